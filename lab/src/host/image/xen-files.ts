import { basename, posix } from 'node:path'
import { type ForeignRoot, newest } from '@split-driver/debian'

/** Where the fetched packages have what Xen and dom0 boot from. */
export interface XenFiles {
  /** The hypervisor, compressed, on this machine. */
  readonly hypervisor: string
  /** Folder of Xen's own programs, in the packages' root: the programs look for each other there. */
  readonly tools: string
  readonly kernel: string
  /** Such as `6.1.0-1-amd64`. */
  readonly kernelRelease: string
  /** The kernel's modules, on this machine. */
  readonly modules: string
}

export function findXenFiles(root: ForeignRoot): XenFiles {
  const kernel = newestNamed(root, '/boot', /^vmlinuz-/)
  const kernelRelease = basename(kernel).replace('vmlinuz-', '')
  const modules = ['/lib/modules', '/usr/lib/modules'].map((path) => posix.join(path, kernelRelease))
  const hypervisor = newestNamed(root, '/boot', /^xen-[\d.]+-amd64\.gz$/)
  return {
    hypervisor: root.at(hypervisor),
    tools: posix.join(newestNamed(root, '/usr/lib', /^xen-\d[\d.]*$/), 'bin'),
    kernel: root.at(kernel),
    kernelRelease,
    modules: root.at(modules.find((path) => root.has(path)) ?? modules[0]),
  }
}

function newestNamed(root: ForeignRoot, folder: string, pattern: RegExp): string {
  const name = newest(root.list(folder).filter((candidate) => pattern.test(candidate)))
  if (name === undefined) throw new Error(`no fetched package holds ${folder}/${pattern.source}`)
  return posix.join(folder, name)
}
