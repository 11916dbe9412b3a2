import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FetchedPackages, fetchPackages, type PackageSet, withCacheLock } from '@split-driver/debian'

/** What is fetched; git ignores it and `npm run clean` removes it. */
const cache = join(fileURLToPath(new URL('../../../', import.meta.url)), '.cache', 'nbd-peers')

const packages: PackageSet = {
  purpose: 'NBD servers: nbdkit and qemu-nbd',
  generation: 1,
  neededBytes: 2 ** 29,
  unwanted: ['./usr/share/doc', './usr/share/man', './usr/share/locale'],
  wanted: async (apt) => {
    for (const name of ['nbdkit', 'qemu-utils'])
      if (!(await apt.packageNames(name)).includes(name)) throw apt.notServed(name)
    return ['nbdkit', 'qemu-utils']
  },
}

/** The servers as Debian builds them. @throws NotRun where they cannot be had */
export const nbdPackages = (): Promise<FetchedPackages> =>
  withCacheLock(
    cache,
    () => {},
    () => fetchPackages(cache, packages, () => {}),
  )
