import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'tsup'
import { withLock } from '../lock.mjs'
import { root } from '../root.mjs'
import { fingerprintOf, isFresh, outputsOf, stamp } from './freshness.mjs'
import { buildTargets } from './packages.mjs'

/**
 * JavaScript for every workspace folder whose sources changed; declarations are another matter (declarations.mjs).
 * @returns {Promise<{ built: string[], failed: { name: string, reason: string }[] }>}
 */
export async function quickBuild(targets = buildTargets) {
  if (targets().every(isFresh)) return { built: [], failed: [] }
  return withLock('build', async () => {
    const stale = targets().filter((target) => !isFresh(target))
    const outcomes = await Promise.all(stale.map(buildTarget))
    return {
      built: outcomes.filter((outcome) => outcome.reason === undefined).map(({ name }) => name),
      failed: outcomes.filter((outcome) => outcome.reason !== undefined),
    }
  })
}

/** Built beside dist and moved over file by file: a program that starts meanwhile never reads half a file. */
async function buildTarget(target) {
  const fingerprint = fingerprintOf(target)
  const next = `${target.folder}/.dist-next-${target.name}`
  try {
    rmSync(join(root, next), { recursive: true, force: true })
    // One after the other: of two at once, the second would still be writing when the first has failed.
    for (const format of target.library ? ['esm', 'cjs'] : ['esm']) await build(options(target, next, format))
    const outputs = filesBelow(join(root, next))
    moveInto(join(root, target.folder, 'dist'), join(root, next), outputs, outputsOf(target))
    stamp(target, fingerprint, outputs)
    return { name: target.name }
  } catch (error) {
    // Old output would let tests pass that prove nothing about the sources as they are.
    moveInto(join(root, target.folder, 'dist'), join(root, next), [], outputsOf(target))
    return { name: target.name, reason: error.message }
  } finally {
    rmSync(join(root, next), { recursive: true, force: true })
  }
}

/** @returns {import('tsup').Options} */
function options(target, outDir, format) {
  return {
    config: false,
    silent: true,
    entry: target.entries,
    outDir,
    clean: false,
    format,
    target: 'node20',
    sourcemap: true,
    // Code that two entries share must be one module: a class that exists twice fails its own instanceof.
    splitting: target.library,
    bundle: target.library,
    shims: target.library,
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
    tsconfig: 'tsconfig.build.json',
  }
}

function moveInto(dist, next, outputs, earlierOutputs) {
  for (const file of outputs) {
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    renameSync(join(next, file), join(dist, file))
  }
  for (const file of earlierOutputs) if (!outputs.includes(file)) rmSync(join(dist, file), { force: true })
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}
