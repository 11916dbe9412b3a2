import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'
import { spawnInherited } from './spawn.mjs'
import { run as build } from './tasks/build.mjs'

/**
 * Builds what changed, then runs a built program with `args`; resolves to its exit code. A package that does not build
 * has been named and has no dist any more: it stops this program only if the program needs it.
 */
export async function runProgram(file, args) {
  await build()
  if (!existsSync(join(root, file))) {
    process.stderr.write(`${file} is not there: nothing of that name was built\n`)
    return 2
  }
  return spawnInherited(process.execPath, [file, ...args])
}
