import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A module's name as the kernel says it: file names may have hyphens where the name has underscores. */
export const moduleName = (file: string) =>
  file
    .replace(/^.*\//, '')
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_')

/** The modules of one kernel as a package brings them: without modules.dep, which only an installation would make. */
export class KernelModules {
  readonly #files: Map<string, string>

  /** @param folder - such as `lib/modules/6.1.0-1-amd64` */
  constructor(readonly folder: string) {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.ko(\.\w+)?$/.test(name),
    )
    this.#files = new Map(names.map((name) => [moduleName(name), name]))
  }

  /**
   * Files of the named modules and of all that they depend on, each behind those that it needs. A name that is not there
   * is built into the kernel or unknown to it; what needs it says so when it is loaded.
   */
  withDependencies(names: readonly string[]): string[] {
    const inOrder = new Set<string>()
    const visit = (name: string, above: readonly string[]) => {
      const file = this.#files.get(name)
      if (file === undefined || inOrder.has(file)) return
      if (above.includes(name)) throw new Error(`kernel modules need each other in a circle: ${above.join(', ')}`)
      for (const needed of this.dependenciesOf(name)) visit(needed, [...above, name])
      inOrder.add(file)
    }
    for (const name of names) visit(moduleName(name), [])
    return [...inOrder]
  }

  /** The names in the module's own `depends=` field. */
  dependenciesOf(name: string): string[] {
    const file = this.#files.get(moduleName(name))
    if (file === undefined) return []
    return dependsField(readFileSync(join(this.folder, file)))
  }

  /** What `depmod` would write about these files. */
  dependencyList(files: readonly string[]): string {
    const line = (file: string) => {
      const needed = this.withDependencies([file]).filter((other) => other !== file)
      return `${file}: ${needed.reverse().join(' ')}`.trimEnd()
    }
    return files.map((file) => `${line(file)}\n`).join('')
  }
}

/** Reads `depends=a,b` out of a module's .modinfo section: strings, each ended by a zero byte. */
export function dependsField(module: Buffer): string[] {
  const start = module.indexOf('\0depends=')
  if (start < 0) return []
  const from = start + '\0depends='.length
  const names = module.toString('latin1', from, module.indexOf(0, from))
  return names
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName)
}
