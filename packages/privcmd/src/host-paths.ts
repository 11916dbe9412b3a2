import { xenstoreSocketPath } from '@split-driver/xenbus/node'

/** Where a Linux host keeps what this package looks at. Tests bring paths of their own. */
export interface HostPaths {
  readonly evtchn: string
  readonly gntdev: string
  readonly gntalloc: string
  readonly xenbus: string
  readonly privcmd: string
  /** Memory that hypercalls may point to. */
  readonly hypercall: string
  /** XenStore's Unix socket. */
  readonly xenstoreSocket: string
  readonly sysHypervisor: string
  readonly sysModule: string
  readonly procModules: string
  readonly procXen: string
  /** Holds a folder of module lists for each kernel. */
  readonly libModules: string
}

/** The usual places. */
export const hostPaths = (environment: NodeJS.ProcessEnv = process.env): HostPaths => ({
  evtchn: '/dev/xen/evtchn',
  gntdev: '/dev/xen/gntdev',
  gntalloc: '/dev/xen/gntalloc',
  xenbus: '/dev/xen/xenbus',
  privcmd: '/dev/xen/privcmd',
  hypercall: '/dev/xen/hypercall',
  xenstoreSocket: xenstoreSocketPath(environment),
  sysHypervisor: '/sys/hypervisor',
  sysModule: '/sys/module',
  procModules: '/proc/modules',
  procXen: '/proc/xen',
  libModules: '/lib/modules',
})

/** The device nodes, by the name that Xen's documentation uses. */
export type NodeName = 'evtchn' | 'gntdev' | 'gntalloc' | 'xenbus' | 'privcmd' | 'hypercall'

/** What provides a node, and what it is for. */
export interface NodeRole {
  readonly name: NodeName
  /** Of Linux; `undefined` where the kernel itself provides the node on every Xen guest. */
  readonly module: string | undefined
  readonly use: string
}

export const nodeRoles: readonly NodeRole[] = [
  { name: 'evtchn', module: 'xen-evtchn', use: 'event channels' },
  { name: 'gntdev', module: 'xen-gntdev', use: 'mapping pages of other domains' },
  { name: 'gntalloc', module: 'xen-gntalloc', use: 'sharing pages with other domains' },
  { name: 'xenbus', module: undefined, use: 'XenStore, where its socket is not at hand' },
  { name: 'privcmd', module: 'xen-privcmd', use: 'hypercalls' },
  { name: 'hypercall', module: 'xen-privcmd', use: 'memory for hypercalls' },
]
