import { type Apt, newest, type PackageSet } from '@split-driver/debian'

/** Packages whose names bear no version. */
const plainNames = ['qemu-system-x86', 'busybox-static', 'xenstore-utils', 'strace', 'e2fsprogs', 'libstdc++6']

/** Never needed at run time; drivers of real hardware alone are 300 MB of a kernel package. */
const unwanted = [
  './usr/share/doc',
  './usr/share/man',
  './usr/share/locale',
  './usr/share/iso-codes',
  './usr/lib/debug',
  './usr/lib/python3*',
  ...['sound', 'net', 'drivers/gpu', 'drivers/net', 'drivers/media', 'drivers/staging', 'drivers/infiniband'].flatMap(
    (folder) => [`./lib/modules/*/kernel/${folder}`, `./usr/lib/modules/*/kernel/${folder}`],
  ),
]

/** What the lab boots real Xen from. */
export const labPackages: PackageSet = {
  purpose: "the lab's packages and images",
  generation: 1,
  neededBytes: 2 ** 30,
  unwanted,
  wanted: wantedPackages,
}

/** Names that bear a version are asked for, so that whatever release this machine's sources serve will do. */
export async function wantedPackages(apt: Apt): Promise<string[]> {
  const hypervisors = (await apt.packageNames('xen-hypervisor-')).flatMap((name) => {
    const version = /^xen-hypervisor-(\d+\.\d+)-amd64$/.exec(name)?.[1]
    return version === undefined ? [] : [version]
  })
  const version = newest(hypervisors)
  if (version === undefined) throw apt.notServed('xen-hypervisor-*-amd64')
  return [...plainNames, `xen-hypervisor-${version}-amd64`, `xen-utils-${version}`, await kernelPackage(apt)]
}

async function kernelPackage(apt: Apt) {
  const [kernel] = await apt.dependenciesOf('linux-image-amd64')
  if (kernel === undefined) throw apt.notServed('linux-image-amd64')
  return kernel
}
