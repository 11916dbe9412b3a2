import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { root } from '../root.mjs'

/**
 * What the quick build makes, one entry per workspace folder that has something to build:
 * `entries` maps an output's name below dist/ (no extension) to its source, relative to the workspace.
 * @typedef {{ name: string, folder: string, sources: string[], entries: Record<string, string>, library: boolean }} Target
 */

/** @returns {Target[]} */
export function buildTargets() {
  return [...libraries(), ...examples(), program('bench', 'bench', typescriptFiles('bench/src'), 'bench/src'), lab()]
}

/** The packages. One without src/index.ts is an empty room yet and is left out. */
export function libraries() {
  return readdirSync(join(root, 'packages'))
    .sort()
    .filter((name) => existsSync(join(root, 'packages', name, 'src', 'index.ts')))
    .map(library)
}

/** Those that are packed and published; one that only this workspace uses is marked private. */
export function publishedLibraries() {
  const isPrivate = ({ folder }) =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).private === true
  return libraries().filter((library) => !isPrivate(library))
}

/** A library is bundled per entry: index, node, a command's main, and each worker's file, which is loaded by its URL. */
function library(name) {
  const folder = `packages/${name}`
  const sources = typescriptFiles(`${folder}/src`)
  const ends = ['index', 'node', 'main'].map((name) => `${folder}/src/${name}.ts`)
  const isEntry = (file) => ends.includes(file) || file.endsWith('-worker.ts')
  const entries = Object.fromEntries(sources.filter(isEntry).map((file) => [basename(file, '.ts'), file]))
  return { name, folder, sources, entries, library: true }
}

/** Each example is a target of its own, so that one that does not build stops no other. */
function examples() {
  return foldersBelow('examples')
    .filter((name) => name !== 'test')
    .map((name) => program(`examples-${name}`, 'examples', typescriptFiles(`examples/${name}`), 'examples'))
    .filter(({ sources }) => sources.length > 0)
}

/** What boots real Xen, and the scenarios that run there. */
function lab() {
  const sources = [...typescriptFiles('lab/scenarios'), ...typescriptFiles('lab/src')]
  return program('lab', 'lab', sources, 'lab')
}

/** A program keeps its tree: each file becomes one file, so that URLs relative to it stay true. */
function program(name, folder, sources, base) {
  const outputName = (file) => slashed(relative(base, file)).replace(/\.ts$/, '')
  const entries = Object.fromEntries(sources.map((file) => [outputName(file), file]))
  return { name, folder, sources, entries, library: false }
}

const isGenerated = (folder) => /^(node_modules|dist|\..*)$/.test(folder)

function foldersBelow(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !isGenerated(entry.name))
    .map(({ name }) => name)
    .sort()
}

function typescriptFiles(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = slashed(join(folder, entry.name))
      if (entry.isDirectory()) return isGenerated(entry.name) ? [] : typescriptFiles(path)
      return /(?<!\.d)\.ts$/.test(entry.name) ? [path] : []
    })
    .sort()
}

const slashed = (path) => path.replaceAll('\\', '/')
