import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { Apt } from './apt.js'
import { ForeignRoot } from './foreign-root.js'
import { NotRun } from './not-run.js'
import type { PackageSet } from './package-set.js'
import { unpack } from './unpack.js'

/** What the fetched packages unpacked to. */
export interface FetchedPackages {
  readonly root: ForeignRoot
  /** File names of the packages, with versions; they decide whether what was made of them is still right. */
  readonly archives: readonly string[]
}

/** What is being done, and the share of it that is done, 0 to 1. */
export type PackageProgress = (what: string, share: number) => void

/** The packages of `set` in `folder`, from there or else from the network. @throws NotRun when they cannot be had */
export async function fetchPackages(
  folder: string,
  set: PackageSet,
  progress: PackageProgress,
): Promise<FetchedPackages> {
  const home = join(folder, `packages-${set.generation}`)
  if (!existsSync(join(home, 'archives.json'))) await fetchAnew(folder, home, set, progress)
  return {
    root: new ForeignRoot(join(home, 'root')),
    archives: JSON.parse(readFileSync(join(home, 'archives.json'), 'utf8')),
  }
}

/** Unpacked beside its place and renamed at the end: what is there is whole. */
async function fetchAnew(folder: string, home: string, set: PackageSet, progress: PackageProgress) {
  mkdirSync(folder, { recursive: true })
  removePackageFolders(folder)
  requireSpace(folder, set)
  const apt = new Apt(join(folder, 'apt'))
  await apt.update((share) => progress('package lists', share))
  await apt.download(await set.wanted(apt), (share, what) => progress(`packages: ${what}`, share))
  const next = mkdtempSync(`${home}-`)
  try {
    mkdirSync(join(next, 'root'))
    const archives = apt.archives()
    for (const [index, archive] of archives.entries()) {
      progress(`unpacking ${basename(archive)}`, index / archives.length)
      await unpack(archive, join(next, 'root'), set.unwanted)
    }
    const names = archives.map((path) => basename(path))
    writeFileSync(join(next, 'archives.json'), JSON.stringify(names, null, 2))
    renameSync(next, home)
  } finally {
    rmSync(next, { recursive: true, force: true })
  }
  apt.remove()
}

/** Of earlier generations, and what an interrupted run left. */
function removePackageFolders(folder: string) {
  for (const name of readdirSync(folder).filter((name) => name.startsWith('packages-'))) {
    rmSync(join(folder, name), { recursive: true })
  }
}

function requireSpace(folder: string, { purpose, neededBytes }: PackageSet) {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize >= neededBytes) return
  const [free, needed] = [bavail * bsize, neededBytes].map((bytes) => (bytes / 2 ** 30).toFixed(1))
  throw new NotRun(`${folder} has ${free} GiB free; ${purpose} needs ${needed} GiB`)
}
