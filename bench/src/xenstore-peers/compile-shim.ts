import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ForeignRoot, NotRun } from '@split-driver/debian'
import { cache } from './peer-packages.js'

const FILES = ['xenstored-shim.c', 'xen-nodes.c', 'xenstored-shim.h'].map((name) =>
  fileURLToPath(new URL(`../../c/${name}`, import.meta.url)),
)
const SOURCES = FILES.filter((file) => file.endsWith('.c'))
const COMPILER = ['gcc', '-O2', '-Wall', '-Wextra', '-fPIC', '-shared']

/** The library that answers for the hypervisor, compiled if it was not yet. @throws NotRun where it cannot be */
export function compileShim(root: ForeignRoot): string {
  const [compiler = '', ...flags] = COMPILER
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' })
  if (version.error !== undefined) throw new NotRun('there is no gcc to compile what answers for the hypervisor')
  const hash = createHash('sha256').update(COMPILER.join()).update(version.stdout)
  for (const file of FILES) hash.update(readFileSync(file))
  const library = join(cache, `shim-${hash.digest('hex').slice(0, 16)}.so`)
  if (existsSync(library)) return library
  const next = `${library}.${process.pid}`
  const args = [...flags, '-isystem', root.at('/usr/include'), '-o', next, ...SOURCES]
  const built = spawnSync(compiler, args, { encoding: 'utf8' })
  if (built.status !== 0) throw new NotRun(`gcc cannot compile what answers for the hypervisor: ${built.stderr}`)
  renameSync(next, library)
  return library
}
