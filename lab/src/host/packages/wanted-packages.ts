import { NotRun } from '../not-run.js'
import type { Apt } from './apt.js'

/** Packages whose names bear no version. */
const plainNames = ['qemu-system-x86', 'busybox-static', 'xenstore-utils', 'strace', 'e2fsprogs', 'libstdc++6']

/** Names that bear a version are asked for, so that whatever release this machine's sources serve will do. */
export async function wantedPackages(apt: Apt): Promise<string[]> {
  const hypervisors = (await apt.packageNames('xen-hypervisor-')).flatMap((name) => {
    const version = /^xen-hypervisor-(\d+\.\d+)-amd64$/.exec(name)?.[1]
    return version === undefined ? [] : [version]
  })
  const version = newest(hypervisors)
  if (version === undefined) throw notServed('xen-hypervisor-*-amd64', apt)
  return [...plainNames, `xen-hypervisor-${version}-amd64`, `xen-utils-${version}`, await kernelPackage(apt)]
}

async function kernelPackage(apt: Apt) {
  const [kernel] = await apt.dependenciesOf('linux-image-amd64')
  if (kernel === undefined) throw notServed('linux-image-amd64', apt)
  return kernel
}

function notServed(name: string, { warnings }: Apt) {
  const reason = warnings === '' ? '' : `: ${warnings}`
  return new NotRun(`this machine's apt sources serve no ${name}; those of Debian do${reason}`)
}

/** The highest of versions such as `4.17` and `4.9`, compared number by number. */
export function newest(versions: readonly string[]): string | undefined {
  return [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
}
