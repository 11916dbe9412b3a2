import { runProgram } from '../run-program.mjs'

/** `npm run demo`: the whole house at work. */
export const run = (args) => runProgram('examples/dist/demo/main.js', args)
