import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FetchedPackages, fetchPackages, type PackageSet, withCacheLock } from '@split-driver/debian'

/** The release whose answers differences.ts knows. */
export const XEN_RELEASE = '4.17'

/** What is fetched and compiled; git ignores it and `npm run clean` removes it. */
export const cache = join(fileURLToPath(new URL('../../../', import.meta.url)), '.cache', 'xenstore-peers')

const packages: PackageSet = {
  purpose: "Xen's own XenStore daemons and tools",
  generation: 1,
  neededBytes: 2 ** 28,
  unwanted: ['./usr/share/doc', './usr/share/man', './usr/share/locale'],
  wanted: async (apt) => {
    const utils = `xen-utils-${XEN_RELEASE}`
    if (!(await apt.packageNames(utils)).includes(utils)) throw apt.notServed(utils)
    return [utils, 'xen-utils-common', 'xenstore-utils', 'libxen-dev', 'python3']
  },
}

/** Xen's daemons, tools, libraries and headers as Debian builds them. @throws NotRun where they cannot be had */
export function peerPackages(): Promise<FetchedPackages> {
  return withCacheLock(
    cache,
    () => {},
    () => fetchPackages(cache, packages, () => {}),
  )
}
