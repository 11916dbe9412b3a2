import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Load } from './load.js'

const SOURCE = fileURLToPath(new URL('../../c/ring-peer.c', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../.cache/bench/', import.meta.url))
const COMPILER = ['gcc', '-O2', '-Wall', '-Wextra', '-pthread']

/** One round of the peer's. */
export interface PeerRound {
  readonly seconds: number
  readonly wrong: number
}

/** Runs the C peer once. @param threads how many of them share the work */
export type CPeer = (threads: 'one' | 'two', load: Load) => PeerRound

/** The peer, compiled if it was not yet; or why this machine has none. */
export const compilePeer = (): CPeer | { readonly missing: string } => {
  const [compiler, ...flags] = COMPILER
  const version = spawnSync(compiler!, ['--version'], { encoding: 'utf8' })
  if (version.error !== undefined) return { missing: 'there is no gcc' }
  const hash = createHash('sha256').update(readFileSync(SOURCE)).update(COMPILER.join()).update(version.stdout)
  const program = `${CACHE}ring-peer-${hash.digest('hex').slice(0, 16)}`
  if (!existsSync(program)) {
    mkdirSync(CACHE, { recursive: true })
    const built = spawnSync(compiler!, [...flags, '-o', `${program}.new`, SOURCE], { encoding: 'utf8' })
    if (built.status !== 0) return { missing: complaintOf(built.stderr) }
    renameSync(`${program}.new`, program)
  }
  return (threads, { roundTrips, batch }) => {
    const { status, stdout, stderr } = spawnSync(program, [threads, `${roundTrips}`, `${batch}`], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the C peer ended with ${status}: ${stderr}`)
    return JSON.parse(stdout) as PeerRound
  }
}

const complaintOf = (stderr: string): string => {
  if (/xen\/.*No such file/.test(stderr)) return "Xen's headers are not installed (Debian: libxen-dev)"
  return stderr.split('\n').find((line) => line.includes('error')) ?? 'gcc failed'
}
