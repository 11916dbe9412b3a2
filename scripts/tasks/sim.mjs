import { runProgram } from '../run-program.mjs'

/** `npm run sim`: whole worlds on a simulated machine, under faults that follow from a seed. */
export const run = (args) => runProgram('bench/dist/run-sim.js', args)
