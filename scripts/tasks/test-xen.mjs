import { runProgram } from '../run-program.mjs'

/** `npm run test:xen`: the scenarios of lab/scenarios on real Xen. */
export const run = (args) => runProgram('lab/dist/src/host/run-scenarios.js', args)
