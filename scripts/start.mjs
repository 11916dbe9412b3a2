// The door of every npm script: `node scripts/start.mjs TASK [ARGS]` makes the checkout ready, then runs scripts/tasks/TASK.mjs.
// Tasks are imported late because they use packages that the first call has yet to install.
import { ensureInstalled } from './install.mjs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node ${process.versions.node} is too old; 20.19 or newer is needed\n`)
  process.exit(2)
}

const [task, ...args] = process.argv.slice(2)
await ensureInstalled()
const { run } = await import(`./tasks/${task}.mjs`)
process.exitCode = await run(args)
