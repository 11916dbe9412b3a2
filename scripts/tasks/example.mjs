import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.mjs'
import { runProgram } from '../run-program.mjs'

/** `npm run example -- NAME`: one program below examples/, built and run. */
export async function run([name, ...args]) {
  const names = exampleNames()
  if (name !== undefined && names.includes(name)) return runProgram(`examples/dist/${name}/main.js`, args)
  process.stderr.write(`example: ${name ?? 'which one'}? There is ${names.join(', ') || 'none yet'}\n`)
  return 2
}

/** Folders such as `01-echo-ring`, each with a main.ts. */
export function exampleNames() {
  const folder = join(root, 'examples')
  return readdirSync(folder).filter((name) => /^\d\d-/.test(name) && existsSync(join(folder, name, 'main.ts')))
}
