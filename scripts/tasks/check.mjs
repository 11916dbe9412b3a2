import { steps } from '../check/steps.mjs'

/** `npm run check`: every step runs, also after one that fails; then a table of all. */
export async function run() {
  const rows = []
  for (const { name, run: step } of steps) {
    process.stderr.write(`${name} …\n`)
    const start = performance.now()
    const complaints = await step().catch((error) => [error.stack])
    for (const complaint of complaints) process.stdout.write(`\n${name}: ${complaint}\n`)
    rows.push({ name, holds: complaints.length === 0, seconds: (performance.now() - start) / 1000 })
  }
  process.stdout.write(`\n${rows.map(row).join('\n')}\n`)
  const failed = rows.filter(({ holds }) => !holds).length
  process.stdout.write(`${rows.length - failed} steps passed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
}

function row({ name, holds, seconds }) {
  return `${holds ? 'ok    ' : 'FAILED'}  ${name.padEnd(28)}${seconds.toFixed(1).padStart(6)} s`
}
