import { spawnInherited } from '../spawn.mjs'

/** `npm run oracle`: asks Xen's headers anew and writes test/oracle/golden.json. Needs gcc and libxen-dev. */
export const run = (args) => spawnInherited(process.execPath, ['test/oracle/generate.mjs', ...args])
