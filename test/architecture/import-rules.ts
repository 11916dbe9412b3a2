import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { layerOf } from './layers.js'
import { importsOf, isNodeOnly, packageOf, type SourceFile } from './source-file.js'

const scope = '@split-driver/'

/** A package imports only packages left of it, by their names, and nothing outside its own folder otherwise. */
export function arrowViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap(({ specifier, place }) => {
      const from = packageOf(file.path)
      if (specifier.startsWith('.')) {
        return packageOf(resolved(file.path, specifier)) === from ? [] : [`${place} leaves its package: ${specifier}`]
      }
      if (!specifier.startsWith(scope)) return []
      const to = specifier.split('/')[1] ?? ''
      if (layerOf(to) < 0 || layerOf(from) < 0) return [`${place} is in no layer: ${from} → ${to}`]
      return layerOf(to) < layerOf(from) ? [] : [`${place} points the wrong way: ${from} → ${to}`]
    }),
  )
}

/** `events` by its bare name is the npm package that browsers can load; it is no built-in here. */
const isBuiltin = (specifier: string): boolean =>
  specifier.startsWith('node:') || (specifier !== 'events' && builtinModules.includes(specifier))

/** The core runs in a browser: only node-only files import what Node has built in. */
export function builtinViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isNodeOnly(file.path))
    .flatMap(importsOf)
    .filter(({ specifier }) => isBuiltin(specifier))
    .map(({ specifier, place }) => `${place} imports ${specifier}`)
}

/** Nothing that index.ts reaches is node-only, nor does it reach another package's node entry. */
export function reachViolations(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reached = new Set(
    files.map(({ path }) => path).filter((path) => /^packages\/[^/]+\/src\/index\.ts$/.test(path) && !isNodeOnly(path)),
  )
  const violations: string[] = []
  // A Set also iterates over what is added meanwhile.
  for (const path of reached) {
    const file = byPath.get(path)
    for (const { specifier, place } of file === undefined ? [] : importsOf(file)) {
      const target = specifier.startsWith('.') ? resolved(path, specifier) : specifier
      if (isNodeOnly(target) || (target.startsWith(scope) && target.endsWith('/node'))) {
        violations.push(`${place} reaches ${target} from index.ts`)
      } else if (byPath.has(target)) reached.add(target)
    }
  }
  return violations
}

/** What package.json says a package needs. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Every package that a file imports stands in the package.json that is published with it. */
export function undeclaredViolations(files: readonly SourceFile[], manifestOf: (name: string) => Manifest): string[] {
  return files.flatMap((file) => {
    const { dependencies, peerDependencies } = manifestOf(packageOf(file.path))
    const declared = new Set([...Object.keys(dependencies ?? {}), ...Object.keys(peerDependencies ?? {})])
    return importsOf(file)
      .filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier))
      .filter(({ specifier }) => !declared.has(packageNameOf(specifier)))
      .map(({ specifier, place }) => `${place} imports ${specifier}, which package.json does not declare`)
  })
}

function packageNameOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

/** The source that a relative import names: `./x.js` is written for `./x.ts`. */
function resolved(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')
}
