import { release } from 'node:os'
import { join } from 'node:path'
import { fileExists, fileText } from './host-files.js'
import type { HostPaths } from './host-paths.js'

/**
 * - `loaded`: as a module
 * - `built-in`: part of the kernel
 * - `not loaded`: there, and `modprobe` would load it
 * - `missing`: this kernel's folder of modules does not have it
 * - `unknown`: there is no such folder to ask
 */
export type ModuleState = 'loaded' | 'built-in' | 'not loaded' | 'missing' | 'unknown'

/** Linux writes a module's name with `_` once it is loaded, and with `-` or `_` in its file's name. */
const plain = (name: string): string => name.replaceAll('-', '_')

const lists = (text: string, module: string): boolean =>
  text.split('\n').some((line) => plain(line).includes(`/${plain(module)}.ko`))

export const moduleState = (paths: HostPaths, module: string, kernel = release()): ModuleState => {
  const loaded = fileText(paths.procModules)?.split('\n') ?? []
  if (loaded.some((line) => line.startsWith(`${plain(module)} `))) return 'loaded'
  const folder = join(paths.libModules, kernel)
  if (lists(fileText(join(folder, 'modules.builtin')) ?? '', module)) return 'built-in'
  if (fileExists(join(paths.sysModule, plain(module)))) return 'built-in'
  const files = fileText(join(folder, 'modules.dep'))
  if (files === undefined) return 'unknown'
  return lists(files, module) ? 'not loaded' : 'missing'
}

/** A parameter of a module that is in the kernel. */
export const moduleParameter = (paths: HostPaths, module: string, parameter: string): string | undefined =>
  fileText(join(paths.sysModule, plain(module), 'parameters', parameter))
