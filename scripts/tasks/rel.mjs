import { runProgram } from '../run-program.mjs'

/** `npm run rel`: what must hold, tried N times. */
export const run = (args) => runProgram('bench/dist/run-rel.js', args)
