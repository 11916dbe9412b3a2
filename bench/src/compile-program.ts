import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SOURCES = new URL('../c/', import.meta.url)
const CACHE = fileURLToPath(new URL('../../.cache/bench/', import.meta.url))
const COMPILER = ['gcc', '-O2', '-Wall', '-Wextra', '-pthread']

/** Where a program of bench/c lies compiled, if need be just now; or why this machine has none. */
export const compileProgram = (name: string): string | { readonly missing: string } => {
  const [compiler, ...flags] = COMPILER
  const version = spawnSync(compiler!, ['--version'], { encoding: 'utf8' })
  if (version.error !== undefined) return { missing: 'there is no gcc' }
  const hash = createHash('sha256').update(COMPILER.join()).update(version.stdout)
  const source = fileURLToPath(new URL(`${name}.c`, SOURCES))
  for (const file of [source, ...headers()]) hash.update(readFileSync(file))
  const program = `${CACHE}${name}-${hash.digest('hex').slice(0, 16)}`
  if (existsSync(program)) return program
  mkdirSync(CACHE, { recursive: true })
  const built = spawnSync(compiler!, [...flags, '-o', `${program}.new`, source], { encoding: 'utf8' })
  if (built.status !== 0) return { missing: complaintOf(built.stderr) }
  renameSync(`${program}.new`, program)
  return program
}

/** Any program may include any of them. */
const headers = (): string[] =>
  readdirSync(SOURCES)
    .filter((name) => name.endsWith('.h'))
    .sort()
    .map((name) => fileURLToPath(new URL(name, SOURCES)))

const complaintOf = (stderr: string): string => {
  if (/xen\/.*No such file/.test(stderr)) return "Xen's headers are not installed (Debian: libxen-dev)"
  return stderr.split('\n').find((line) => line.includes('error')) ?? 'gcc failed'
}
