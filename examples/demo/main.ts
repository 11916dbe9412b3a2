/**
 * One machine, dom0 and some guests, each in a worker thread. Each guest mounts a real ext4 file system through its own
 * block frontend, reads, writes, and halts; then the host looks into the images. See `npm run demo -- --help`.
 */
import { UnusableDisk } from './disk-image.js'
import { readOptions } from './options.js'
import { allChecks, renderResult } from './report.js'
import { type Audience, runDemo } from './run-demo.js'

const options = readOptions(process.argv.slice(2))
const show = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`)
const audience: Audience = {
  step: (text) => show(`• ${text}`),
  console: (name, line) => show(`  [${name}] ${line}`),
}

try {
  const result = await runDemo(options, audience)
  const passed = allChecks(result).every(({ held }) => held)
  process.stdout.write(`${options.json ? JSON.stringify({ passed, ...result }, undefined, 2) : renderResult(result)}\n`)
  process.exitCode = passed ? 0 : 1
} catch (error) {
  process.stderr.write(
    `${error instanceof UnusableDisk ? error.message : error instanceof Error ? error.stack : error}\n`,
  )
  process.exitCode = error instanceof UnusableDisk ? 2 : 1
}
