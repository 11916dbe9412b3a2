import { binOf, spawnInherited } from '../spawn.mjs'

/** `npm test [-- FILTER …]`: every test, once; vitest's own set-up builds first. */
export function run(args) {
  return spawnInherited(process.execPath, [binOf('vitest'), 'run', ...args])
}
