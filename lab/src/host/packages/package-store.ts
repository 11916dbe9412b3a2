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
import { ForeignRoot } from '../image/foreign-root.js'
import { NotRun } from '../not-run.js'
import { Apt } from './apt.js'
import { unpack } from './unpack.js'
import { wantedPackages } from './wanted-packages.js'

/** Raise it when other packages are wanted, or other parts of them: what was unpacked before is then fetched anew. */
const generation = 1
const neededBytes = 2 ** 30

/** What the fetched packages unpacked to. */
export interface FetchedPackages {
  readonly root: ForeignRoot
  /** File names of the packages, with versions; they decide whether an image is still right. */
  readonly archives: readonly string[]
}

export type Progress = (what: string, share: number) => void

/** The packages, from the cache or else from the network. */
export async function fetchPackages(folder: string, progress: Progress): Promise<FetchedPackages> {
  const home = join(folder, `packages-${generation}`)
  if (!existsSync(join(home, 'archives.json'))) await fetchAnew(folder, home, progress)
  return {
    root: new ForeignRoot(join(home, 'root')),
    archives: JSON.parse(readFileSync(join(home, 'archives.json'), 'utf8')),
  }
}

/** Unpacked beside its place and renamed at the end: what is there is whole. */
async function fetchAnew(folder: string, home: string, progress: Progress) {
  mkdirSync(folder, { recursive: true })
  removePackageFolders(folder)
  requireSpace(folder)
  const apt = new Apt(join(folder, 'apt'))
  await apt.update((share) => progress('package lists', share))
  await apt.download(await wantedPackages(apt), (share, what) => progress(`packages: ${what}`, share))
  const next = mkdtempSync(`${home}-`)
  try {
    mkdirSync(join(next, 'root'))
    const archives = apt.archives()
    for (const [index, archive] of archives.entries()) {
      progress(`unpacking ${basename(archive)}`, index / archives.length)
      await unpack(archive, join(next, 'root'))
    }
    writeFileSync(
      join(next, 'archives.json'),
      JSON.stringify(
        archives.map((path) => basename(path)),
        null,
        2,
      ),
    )
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

function requireSpace(folder: string) {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize >= neededBytes) return
  const free = ((bavail * bsize) / 2 ** 30).toFixed(1)
  throw new NotRun(`${folder} has ${free} GiB free; the packages and images of the lab need 1 GiB`)
}
