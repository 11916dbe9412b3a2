// npm run lab
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from './folders.js'
import { Machine } from './machine/machine.js'
import { prepare } from './prepare.js'

const runFolder = join(cache, 'logs', `${Date.now()}`)
mkdirSync(runFolder, { recursive: true })
const { command } = await prepare(runFolder, (what, share) =>
  process.stderr.write(`${what} ${Math.round(share * 100)}%\n`),
)
const words = process.argv.slice(2)
const start = performance.now()
const machine = new Machine(command([]), {
  report(report) {
    if (report.tell === 'output') process.stdout.write(report.text)
    if (report.tell === 'ready') {
      process.stderr.write(`ready after ${(performance.now() - start) / 1000} s ${JSON.stringify(report.versions)}\n`)
      if (words[0] === '--exec') machine.ask({ ask: 'command', command: words[1], limitSeconds: 600 })
      else machine.ask({ ask: 'scenario', name: words[0] ?? 'smoke', limitSeconds: 600 })
      return
    }
    if (report.tell === 'command ends' || report.tell === 'scenario ends') machine.ask({ ask: 'end' })
    if (report.tell !== 'output') process.stderr.write(`${JSON.stringify(report)}\n`)
  },
  console: (bytes) => appendFileSync(join(runFolder, 'console.log'), bytes),
  noise: (text) => process.stderr.write(text),
  ended: (code) => process.stderr.write(`machine ended: ${code}\n`),
})
process.once('SIGINT', () => process.exit(130))
