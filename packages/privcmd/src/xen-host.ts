import { join } from 'node:path'
import { fileText } from './host-files.js'
import type { HostPaths } from './host-paths.js'

/** What the kernel tells of the hypervisor below it. */
export interface XenHost {
  /** `PV`, `HVM` or `PVH`. */
  readonly guestType: string | undefined
  /** Such as `4.17.5`. */
  readonly version: string | undefined
  /** Guests that it runs, such as `xen-3.0-x86_64`. */
  readonly capabilities: readonly string[]
  /** XENFEAT_* bits, in hexadecimal. */
  readonly features: string | undefined
  /** This domain may control others: /proc/xen/capabilities says `control_d`. */
  readonly controlDomain: boolean
}

/** @returns `undefined` where this kernel does not run on Xen */
export const xenHost = (paths: HostPaths): XenHost | undefined => {
  const read = (name: string) => fileText(join(paths.sysHypervisor, name))
  if (read('type') !== 'xen') return undefined
  const [major, minor, extra = ''] = ['major', 'minor', 'extra'].map((part) => read(`version/${part}`))
  return {
    guestType: read('guest_type'),
    version: major === undefined ? undefined : `${major}.${minor ?? '?'}${extra}`,
    capabilities: (read('properties/capabilities') ?? '').split(/\s+/).filter((word) => word !== ''),
    features: read('properties/features'),
    controlDomain: (fileText(join(paths.procXen, 'capabilities')) ?? '').includes('control_d'),
  }
}
