import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { repository } from '../folders.js'
import { ImageTree } from './image-tree.js'

const home = '/split-driver'
const scope = '@split-driver/'

/** What runs: no maps, types, documents, sources of native code, or builds for other systems. */
const unwanted = /\.(map|cjs\.map|d\.ts|d\.cts|d\.mts|md)$|\/(node_modules|vendor|doc|docs|musl_x64|test)$/
const wanted = (path: string) => !unwanted.test(path)

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
}

/** The project as dom0 has it: what is built, and the packages that it needs to run, flat. */
export function dom0Project(): ImageTree {
  const tree = new ImageTree()
  for (const name of readdirSync(join(repository, 'packages')).sort()) addWorkspace(tree, `packages/${name}`)
  for (const name of ['lab', 'examples']) addWorkspace(tree, name)
  tree.link('/usr/bin/split-driver', `${home}/packages/cli/bin/split-driver.mjs`)
  return tree
}

function addWorkspace(tree: ImageTree, folder: string) {
  const source = join(repository, folder)
  if (!existsSync(join(source, 'package.json'))) return
  const inside = posix.join(home, folder)
  tree.file(posix.join(inside, 'package.json'), join(source, 'package.json'))
  for (const part of ['dist', 'bin']) {
    if (existsSync(join(source, part))) tree.folder(posix.join(inside, part), join(source, part), wanted)
  }
  const { name } = readManifest(source)
  tree.link(`${home}/node_modules/${name}`, inside)
  addDependencies(tree, source, `${home}/node_modules`)
}

/** Adds what the package in `source` depends on: into the common folder, or below its own where versions differ. */
function addDependencies(tree: ImageTree, source: string, nested: string) {
  const { dependencies = {}, optionalDependencies = {} } = readManifest(source)
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const found = name.startsWith(scope) ? undefined : findPackage(name, source)
    if (found === undefined) continue
    const { version } = readManifest(found)
    const common = `${home}/node_modules/${name}`
    const placed = tree.sourceOf(posix.join(common, 'package.json'))
    if (placed !== undefined && readManifest(dirname(placed)).version === version) continue
    const target = placed === undefined ? common : posix.join(nested, name)
    tree.folder(target, found, wanted)
    addDependencies(tree, found, posix.join(target, 'node_modules'))
  }
}

/** As Node finds it from `from`; an optional package for another system is not there. */
function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate)
    if (dirname(folder) === folder) return undefined
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
