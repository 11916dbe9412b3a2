import { type ErrnoCode, XenError } from '@split-driver/abi'
import { fileExists } from './host-files.js'
import { type ModuleState, moduleState } from './host-modules.js'
import { type HostPaths, type NodeRole, nodeRoles } from './host-paths.js'
import { SystemCallError } from './system-call-error.js'
import { xenHost } from './xen-host.js'

/** What is in the way, and what to do about it. */
export interface HostProblem {
  readonly code: ErrnoCode
  /** One sentence. */
  readonly problem: string
  /** One sentence; a command where there is one. */
  readonly advice: string
}

const NOT_XEN: HostProblem = {
  code: 'ENODEV',
  problem: 'this kernel does not run on Xen (/sys/hypervisor/type does not say "xen")',
  advice: 'run this in a domain of a Xen host, or use the emulated machine',
}

/** Why a node cannot be used, as far as its host's files tell; `undefined` if nothing stands against it. */
export const nodeProblem = (paths: HostPaths, role: NodeRole, isUsable: boolean): HostProblem | undefined => {
  if (!xenHost(paths)) return NOT_XEN
  const path = paths[role.name]
  if (!fileExists(path)) return missingNode(paths, role, path)
  if (isUsable) return undefined
  return {
    code: 'EACCES',
    problem: `this user may not read and write ${path}`,
    advice: 'run as root, or give the user access by a udev rule; no mode is changed from here',
  }
}

const missingNode = (paths: HostPaths, { module }: NodeRole, path: string): HostProblem => {
  const code = 'ENOENT'
  if (module === undefined)
    return { code, problem: `there is no ${path}`, advice: 'mount devtmpfs on /dev, or mount xenfs on /proc/xen' }
  const state = moduleState(paths, module)
  const problem = `there is no ${path}: ${moduleProblem[state](module)}`
  return { code, problem, advice: moduleAdvice(state, module, path) }
}

const moduleProblem: Readonly<Record<ModuleState, (module: string) => string>> = {
  loaded: (module) => `module ${module} is loaded, but /dev does not show its node`,
  'built-in': (module) => `${module} is in the kernel, but /dev does not show its node`,
  'not loaded': (module) => `module ${module} is not loaded`,
  missing: (module) => `this kernel has no module ${module}`,
  unknown: (module) => `module ${module} is not loaded`,
}

const moduleAdvice = (state: ModuleState, module: string, path: string): string => {
  if (state === 'loaded' || state === 'built-in') return `mount devtmpfs on /dev, or have udev make ${path}`
  if (state === 'missing') return `install the kernel's package that holds ${module}.ko, then modprobe ${module}`
  return `modprobe ${module}`
}

/** Says of a node that could not be opened which of these it is. @see ExplainOpening */
export const explainOpening =
  (paths: HostPaths) =>
  (path: string, error: unknown): unknown => {
    if (!SystemCallError.is(error)) return error
    const role = nodeRoles.find(({ name }) => paths[name] === path)
    const isRefused = error.errno === 'EACCES' || error.errno === 'EPERM'
    const found = role && nodeProblem(paths, role, !isRefused)
    const { code, problem, advice } = found ?? refusedBy(path, error)
    return new XenError(code, `${problem}; ${advice}`, { cause: error, detail: { path, problem, advice } })
  }

/** The node is there and may be opened, and the driver behind it says no. */
const refusedBy = (path: string, error: SystemCallError): HostProblem => ({
  code: error.errno === 'ENODEV' || error.errno === 'ENXIO' ? 'ENODEV' : 'EIO',
  problem: `${path} cannot be opened: ${error.errno}`,
  advice: path.endsWith('xenbus')
    ? 'start xenstored: the kernel has no connection to XenStore yet'
    : "see the kernel's log (dmesg)",
})
