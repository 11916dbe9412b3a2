import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { type ForeignRoot, NotRun } from '@split-driver/debian'
import { imageSources } from '../folders.js'
import { ImageTree } from './image-tree.js'
import { KernelModules } from './kernel-modules.js'
import type { XenFiles } from './xen-files.js'

const libraryFolder = '/usr/lib/x86_64-linux-gnu'

/** Loaded in dom0, or for guests to take. ext4 asks for crc32c by the name of the algorithm, which names no file. */
const modules = [
  ...['xen-evtchn', 'xen-gntdev', 'xen-gntalloc', 'xen-privcmd', 'xenfs', 'xen-blkback', 'xen-blkfront'],
  ...['loop', 'crc32c_generic', 'ext4'],
]
const fileSystemTools = ['mke2fs', 'e2fsck', 'dumpe2fs', 'debugfs', 'tune2fs']
const fileSystemLinks = { 'mkfs.ext4': 'mke2fs', 'fsck.ext4': 'e2fsck' }
const emptyFolders = [
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/tmp',
  '/root',
  '/mnt',
  '/var/lock',
  '/var/log/xen',
  '/var/lib/xen',
]

/** dom0 without the project: tools, libraries, modules and Node. Large, and the same until packages or Node change. */
export function dom0Base(root: ForeignRoot, xen: XenFiles, node: string): ImageTree {
  const tree = new ImageTree()
  for (const [link, target] of [
    ['/bin', 'usr/bin'],
    ['/sbin', 'usr/sbin'],
    ['/lib', 'usr/lib'],
  ] as const) {
    tree.link(link, target)
  }
  for (const folder of emptyFolders) tree.directory(folder)
  tree.characterDevice('/dev/console', 5, 1)
  tree.file('/init', join(imageSources, 'dom0-init.sh'))
  for (const [path, program] of programs(root, xen)) addProgram(tree, root, path, program)
  for (const [link, target] of Object.entries(fileSystemLinks)) tree.link(`/usr/sbin/${link}`, target)
  addNode(tree, root, node)
  addConfiguration(tree, root, xen)
  addBusybox(tree, root)
  addKernel(tree, xen)
  return tree
}

function programs(root: ForeignRoot, xen: XenFiles): [path: string, program: string][] {
  const found = ['strace', ...root.list('/usr/bin').filter((name) => /^xenstore/.test(name))].map(
    (name) => `/usr/bin/${name}`,
  )
  const xenTools = root.list(xen.tools).map((name) => posix.join(xen.tools, name))
  return [
    ...[...found, ...xenTools].map((path): [string, string] => [path, root.at(path)]),
    ...fileSystemTools.map((name): [string, string] => [`/usr/sbin/${name}`, root.at(root.find(name))]),
  ].filter(([, program]) => isElf(program))
}

function addProgram(tree: ImageTree, root: ForeignRoot, path: string, program: string) {
  tree.file(path, program)
  for (const library of root.librariesOf(program)) {
    const inside = library.endsWith('ld-linux-x86-64.so.2') ? '/lib64/ld-linux-x86-64.so.2' : libraryFolder
    tree.file(inside === libraryFolder ? posix.join(libraryFolder, basename(library)) : inside, library)
  }
}

/** The very Node that runs this, if it runs with the packages' libraries. */
function addNode(tree: ImageTree, root: ForeignRoot, node: string) {
  const [program, ...args] = root.commandOf(node, ['--version'])
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0)
    throw new NotRun(`${node} does not run with the packages' libraries, so not in dom0: ${stderr.trim()}`)
  addProgram(tree, root, '/usr/bin/node', node)
}

function addConfiguration(tree: ImageTree, root: ForeignRoot, xen: XenFiles) {
  tree.link('/usr/lib/xen', basename(posix.dirname(xen.tools)))
  tree.text('/etc/xen/xl.conf', '')
  tree.file('/etc/xen/oxenstored.conf', root.at('/etc/xen/oxenstored.conf'))
  tree.file('/etc/mke2fs.conf', root.at('/etc/mke2fs.conf'))
  tree.text('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n')
  tree.text('/etc/group', 'root:x:0:\n')
  // strace and mke2fs want to know where mounts are told.
  tree.link('/etc/mtab', '/proc/mounts')
}

function addBusybox(tree: ImageTree, root: ForeignRoot) {
  const busybox = root.at(root.find('busybox'))
  tree.file('/usr/bin/busybox', busybox)
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (!tree.has(`/usr/bin/${applet}`) && !tree.has(`/usr/sbin/${applet}`)) tree.link(`/usr/bin/${applet}`, 'busybox')
  }
}

/** Lies in /guest, where guests' images are put together; dom0 itself uses it from there. */
function addKernel(tree: ImageTree, xen: XenFiles) {
  const all = new KernelModules(xen.modules)
  const files = all.withDependencies(modules)
  const folder = `/guest/modules/${xen.kernelRelease}`
  for (const file of files) tree.file(posix.join(folder, file), join(xen.modules, file))
  tree.text(posix.join(folder, 'modules.dep'), all.dependencyList(files))
  tree.link('/usr/lib/modules', '/guest/modules')
  tree.file('/guest/vmlinuz', xen.kernel)
  tree.link('/guest/busybox', '/usr/bin/busybox')
}

function isElf(path: string) {
  const magic = Buffer.alloc(4)
  const fd = openSync(path, 'r')
  readSync(fd, magic, 0, 4, 0)
  closeSync(fd)
  return magic.toString('latin1') === '\x7fELF'
}
