import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { release } from 'node:os'
import { basename, posix } from 'node:path'
import { ImageTree } from '../host/image/image-tree.js'
import { KernelModules } from '../host/image/kernel-modules.js'

/** Put together by the lab's host: guests run dom0's own kernel. */
export const GUEST_KERNEL = '/guest/vmlinuz'

const modulesFolder = `/guest/modules/${release()}`
const cacheFolder = '/run/lab-guests'
const libraryFolder = '/usr/lib/x86_64-linux-gnu'
/** Runs dynamic programs, and lists what they need. */
const LOADER = '/lib64/ld-linux-x86-64.so.2'
const emptyFolders = ['/proc', '/sys', '/dev', '/tmp', '/root', '/mnt', '/run']

/** ext4 asks for crc32c by the name of the algorithm, which names no file. */
const plainModules = ['xen-blkfront', 'crc32c_generic', 'ext4']
/** Without blkfront: there, disks are for our own frontend. */
const nodeModules = ['xen-evtchn', 'xen-gntdev', 'xen-gntalloc', 'xen-privcmd', 'xenfs']

export interface GuestImageOptions {
  /** Names the image; one of that name which is there already is taken. */
  readonly name: string
  /** The first process, given the paths of the modules that it has to load. */
  readonly init: (modules: readonly string[]) => string
  /** With Node, the project and /dev/xen, but without blkfront and file systems; false unless given. */
  readonly withNode?: boolean
  /** Programs of dom0 that it has, too. */
  readonly programs?: readonly string[]
  /** Files of dom0, by their paths in the guest. */
  readonly files?: Readonly<Record<string, string>>
}

/** A guest's initramfs, put together from what dom0 has. @returns its path */
export const guestImage = ({ name, init, withNode = false, programs = [], files = {} }: GuestImageOptions): string => {
  mkdirSync(cacheFolder, { recursive: true })
  const path = `${cacheFolder}/${name}.img`
  if (existsSync(path)) return path
  const modules = new KernelModules(modulesFolder).withDependencies(withNode ? nodeModules : plainModules)
  const tree = new ImageTree()
  for (const folder of emptyFolders) tree.directory(folder)
  tree.characterDevice('/dev/console', 5, 1)
  const inside = modules.map((file) => `/lib/modules/${basename(file)}`)
  for (const [index, file] of modules.entries()) tree.file(inside[index]!, posix.join(modulesFolder, file))
  addBusybox(tree)
  if (withNode) addNode(tree)
  else addFileSystemTools(tree)
  for (const program of programs) addProgram(tree, program)
  for (const [path, file] of Object.entries(files)) tree.file(path, file)
  tree.text('/init', init(inside), 0o755)
  // A place of its own first: what is there is whole.
  tree.write(`${path}.part`)
  renameSync(`${path}.part`, path)
  return path
}

const addBusybox = (tree: ImageTree): void => {
  tree.file('/bin/busybox', '/usr/bin/busybox')
  for (const applet of output('/usr/bin/busybox', '--list').trim().split('\n'))
    if (applet !== 'busybox') tree.link(`/bin/${applet}`, 'busybox')
}

const addProgram = (tree: ImageTree, program: string): void => {
  tree.file(program, program)
  if (!tree.has(LOADER)) tree.file(LOADER, LOADER)
  for (const [, library] of output(LOADER, '--list', program).matchAll(/=> (\/\S+)/g)) {
    const inside = posix.join(libraryFolder, basename(library!))
    if (!tree.has(inside)) tree.file(inside, library!)
  }
}

/** By a name that is no applet of busybox: its shell takes an applet before it looks for a program. */
const addFileSystemTools = (tree: ImageTree): void => {
  addProgram(tree, '/usr/sbin/mke2fs')
  tree.link('/usr/sbin/mkfs.ext4', 'mke2fs')
  tree.file('/etc/mke2fs.conf', '/etc/mke2fs.conf')
  tree.link('/etc/mtab', '/proc/mounts')
}

const addNode = (tree: ImageTree): void => {
  addProgram(tree, '/usr/bin/node')
  tree.folder('/split-driver', '/split-driver')
}

const output = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' })
