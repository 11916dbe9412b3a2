import { runProgram } from '../run-program.mjs'

/** `npm run bench`: measurements beside a peer. */
export const run = (args) => runProgram('bench/dist/run-bench.js', args)
