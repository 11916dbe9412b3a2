import { arch, release } from 'node:os'
import { join } from 'node:path'
import { XenError } from '@split-driver/abi'
import { fileExists, fileNumber, isAllowed } from './host-files.js'
import { type ModuleState, moduleState } from './host-modules.js'
import { type HostPaths, hostPaths, type NodeName, nodeRoles } from './host-paths.js'
import { loadLinuxLibrary } from './linux-library.js'
import { type HostProblem, nodeProblem } from './opening-problem.js'
import { type StoreReport, storeReport } from './store-report.js'
import { type XenHost, xenHost } from './xen-host.js'

/** What a host offers to this package, and what stands in the way. */
export interface HostReport {
  readonly linux: { readonly release: string; readonly architecture: string; readonly node: string }
  /** `undefined` where this kernel does not run on Xen. */
  readonly xen: XenHost | undefined
  readonly nodes: readonly NodeReport[]
  readonly xenfs: { readonly path: string; readonly mounted: boolean }
  readonly xenstore: StoreReport
  /** Pages: how many gntalloc shares, and gntdev maps, at most; `undefined` where the module is not in the kernel. */
  readonly limits: { readonly gntalloc: number | undefined; readonly gntdev: number | undefined }
  /** How the C library is called. */
  readonly systemCalls: { readonly available: boolean; readonly problem: string | undefined }
  /** Nothing here: a platform can be opened, and everything it offers used. */
  readonly problems: readonly HostProblem[]
}

export interface NodeReport {
  readonly name: NodeName
  readonly path: string
  /** What it is good for. */
  readonly use: string
  readonly exists: boolean
  /** By this process. */
  readonly readable: boolean
  readonly writable: boolean
  /** What provides it; `undefined` for the kernel itself. */
  readonly module: { readonly name: string; readonly state: ModuleState } | undefined
  readonly problem: HostProblem | undefined
}

/** Looks at this host. Opens no node and changes nothing. @param changes paths that are not the usual ones */
export const inspectHost = async (changes: Partial<HostPaths> = {}): Promise<HostReport> => {
  const paths = { ...hostPaths(), ...changes }
  const xen = xenHost(paths)
  const nodes = nodeRoles.map((role) => nodeReport(paths, role))
  const xenstore = await storeReport(paths.xenstoreSocket)
  const systemCalls = await systemCallsReport()
  const limit = (module: string) => fileNumber(join(paths.sysModule, module, 'parameters/limit'))
  return {
    linux: { release: release(), architecture: arch(), node: process.version },
    xen,
    nodes,
    xenfs: { path: paths.procXen, mounted: fileExists(join(paths.procXen, 'capabilities')) },
    xenstore,
    limits: { gntalloc: limit('xen_gntalloc'), gntdev: limit('xen_gntdev') },
    systemCalls,
    problems: problemsOf(xen, nodes, xenstore.answers, systemCalls.problem),
  }
}

const nodeReport = (paths: HostPaths, role: (typeof nodeRoles)[number]): NodeReport => {
  const path = paths[role.name]
  const readable = isAllowed(path, 'read')
  const writable = isAllowed(path, 'write')
  return {
    name: role.name,
    path,
    use: role.use,
    exists: fileExists(path),
    readable,
    writable,
    module: role.module === undefined ? undefined : { name: role.module, state: moduleState(paths, role.module) },
    problem: nodeProblem(paths, role, readable && writable),
  }
}

const systemCallsReport = async (): Promise<HostReport['systemCalls']> => {
  try {
    await loadLinuxLibrary()
    return { available: true, problem: undefined }
  } catch (error) {
    return { available: false, problem: XenError.is(error) ? error.message : String(error) }
  }
}

/** Without Xen, what its nodes lack is no news. */
const problemsOf = (
  xen: XenHost | undefined,
  nodes: readonly NodeReport[],
  storeAnswers: boolean,
  systemCalls: string | undefined,
): HostProblem[] => {
  const problems = nodes.map(({ problem }) => problem).filter((problem) => problem !== undefined)
  const noCalls: HostProblem[] =
    systemCalls === undefined
      ? []
      : [{ code: 'ENOSYS', problem: systemCalls, advice: 'install koffi with its package for this platform' }]
  if (!xen) return [...problems.slice(0, 1), ...noCalls]
  const hasStore = storeAnswers || nodes.some(({ name, problem }) => name === 'xenbus' && !problem)
  const noStore: HostProblem[] = hasStore
    ? []
    : [{ code: 'ENOENT', problem: 'XenStore cannot be reached', advice: 'start xenstored, or run as root' }]
  return [...problems, ...noStore, ...noCalls]
}
