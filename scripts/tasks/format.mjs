import { binOf, spawnInherited } from '../spawn.mjs'

/** `npm run format [-- PATH …]`: layout, import order and the safe fixes of the linter, in place. */
export function run(args) {
  const paths = args.length > 0 ? args : ['.']
  return spawnInherited(process.execPath, [binOf('@biomejs/biome'), 'check', '--write', ...paths])
}
