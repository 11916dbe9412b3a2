import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'tsup'
import { root } from '../root.mjs'
import { publishedLibraries } from './packages.mjs'

/** Bundles `.d.ts` and `.d.cts` of every published library's index and node entries into its dist, which the quick build filled. */
export async function buildDeclarations() {
  const waiting = publishedLibraries()
  const failures = []
  // Each build spawns a thread with a TypeScript program of its own; two at a time fill two cores.
  const worker = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      removeDeclarations(target)
      await build(options(target)).catch((error) => failures.push(`${target.name}: ${error.message}`))
    }
  }
  await Promise.all([worker(), worker()])
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

/** Shared declarations have hashed names, so earlier ones would stay behind and be published. */
function removeDeclarations({ folder }) {
  const dist = join(root, folder, 'dist')
  if (!existsSync(dist)) return
  for (const file of readdirSync(dist)) if (/\.d\.c?ts$/.test(file)) rmSync(join(dist, file))
}

/** @returns {import('tsup').Options} */
function options({ folder, entries }) {
  const published = Object.fromEntries(Object.entries(entries).filter(([name]) => ['index', 'node'].includes(name)))
  const { compilerOptions } = JSON.parse(readFileSync(join(root, folder, 'tsconfig.json'), 'utf8'))
  const types = 'node' in published ? ['node'] : (compilerOptions?.types ?? [])
  return {
    config: false,
    silent: true,
    entry: published,
    outDir: `${folder}/dist`,
    format: ['esm', 'cjs'],
    tsconfig: `${folder}/tsconfig.json`,
    skipNodeModulesBundle: true,
    external: [/^@split-driver\//],
    dts: {
      only: true,
      compilerOptions: {
        composite: false,
        incremental: false,
        emitDeclarationOnly: false,
        declarationMap: false,
        rootDir: undefined,
        types,
      },
    },
  }
}
