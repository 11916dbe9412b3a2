import { runProgram } from '../run-program.mjs'

/** `npm run lab`: real Xen, with the project in dom0, to look around in. */
export const run = (args) => runProgram('lab/dist/src/host/run-lab.js', args)
