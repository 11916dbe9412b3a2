// The door of every npm script: `node scripts/start.mjs TASK [ARGS]` makes the checkout ready, then runs scripts/tasks/TASK.mjs.
// Tasks are imported late because they use packages that the first call has yet to install.
import { ensureInstalled } from './install.mjs'

const [task, ...args] = process.argv.slice(2)
await ensureInstalled()
const { run } = await import(`./tasks/${task}.mjs`)
process.exitCode = await run(args)
