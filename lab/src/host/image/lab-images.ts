import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { FetchedPackages } from '@split-driver/debian'
import { imageSources } from '../folders.js'
import { dom0Base } from './dom0-base.js'
import { dom0Project } from './dom0-project.js'
import { findXenFiles } from './xen-files.js'

/** What a machine boots from, as files on this machine. */
export interface LabImages {
  readonly hypervisor: string
  readonly kernel: string
  /** dom0's initramfs, in parts: the kernel takes them one behind the other. */
  readonly parts: readonly string[]
}

/** Images from the packages and from what is built now. The large part comes from the cache while its content is right. */
export function buildImages(folder: string, packages: FetchedPackages, runFolder: string): LabImages {
  const xen = findXenFiles(packages.root)
  const home = join(folder, 'images')
  mkdirSync(home, { recursive: true })
  const key = baseKey(packages)
  const base = join(home, `dom0-${key}.cpio`)
  const hypervisor = join(home, `xen-${key}.elf`)
  if (!existsSync(base) || !existsSync(hypervisor)) {
    for (const name of readdirSync(home)) rmSync(join(home, name))
    whole(base, (path) => dom0Base(packages.root, xen, process.execPath).write(path))
    whole(hypervisor, (path) => writeFileSync(path, gunzipSync(readFileSync(xen.hypervisor))))
  }
  const project = join(runFolder, 'project.cpio')
  dom0Project().write(project)
  return { hypervisor, kernel: xen.kernel, parts: [base, project] }
}

/** Written under another name first: an interrupted run leaves nothing that looks finished. */
function whole(path: string, write: (path: string) => void) {
  const next = `${path}.${process.pid}.next`
  try {
    write(next)
    renameSync(next, path)
  } finally {
    rmSync(next, { force: true })
  }
}

/** Changes with the packages, with Node, and with the code and files that make the image. */
function baseKey(packages: FetchedPackages): string {
  const hash = createHash('sha256').update(packages.archives.join('\n'))
  const { size, mtimeMs } = statSync(process.execPath)
  hash.update(`${process.execPath} ${process.version} ${size} ${mtimeMs}`)
  const code = fileURLToPath(new URL('.', import.meta.url))
  for (const folder of [code, imageSources]) {
    for (const name of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, name)))
  }
  return hash.digest('hex').slice(0, 16)
}
