import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.mjs'

const recipe = ['pnpm-lock.yaml', 'tsconfig.base.json', 'tsconfig.build.json', 'scripts/build/quick-build.mjs']

/** A target is fresh when its sources and the recipe have the bytes they had, and every output still exists. */
export function isFresh(target) {
  const entry = readStamp(target)
  if (entry === undefined || entry.fingerprint !== fingerprintOf(target)) return false
  return entry.outputs.every((file) => existsSync(join(root, target.folder, 'dist', file)))
}

/** The bytes decide, not the times: checkouts and clock changes do not fool it. */
export function fingerprintOf(target) {
  const hash = createHash('sha256')
  for (const file of [...recipe, `${target.folder}/package.json`, ...target.sources]) {
    hash.update(`\0${file}\0`).update(existsSync(join(root, file)) ? readFileSync(join(root, file)) : '')
  }
  return hash.digest('hex')
}

/** The files below dist/ that the last build of this target made. */
export function outputsOf(target) {
  return readStamp(target)?.outputs ?? []
}

export function stamp(target, fingerprint, outputs) {
  mkdirSync(stampFolder, { recursive: true })
  // Moved into place whole: another command may be reading it now.
  const fresh = `${stampFile(target)}.${process.pid}`
  writeFileSync(fresh, JSON.stringify({ fingerprint, outputs }))
  renameSync(fresh, stampFile(target))
}

const stampFolder = join(root, '.cache', 'build')
const stampFile = (target) => join(stampFolder, `${target.name}.json`)

function readStamp(target) {
  return existsSync(stampFile(target)) ? JSON.parse(readFileSync(stampFile(target), 'utf8')) : undefined
}
