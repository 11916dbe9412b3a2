import type { Program, ProgramModule } from './vcpu.js'

/** @throws TypeError if the module exports no function `program` */
export const loadProgram = async (module: ProgramModule): Promise<Program> => {
  const exports: { program?: unknown } = await import(/* @vite-ignore */ module.href)
  if (typeof exports.program !== 'function')
    throw new TypeError(`${module.href} does not export a function named "program", which a domain's code must be`)
  return exports.program as Program
}
