import { spawnSync } from 'node:child_process'
import { compileProgram } from '../compile-program.js'
import type { Load } from './load.js'

/** One round of the peer's. */
export interface PeerRound {
  readonly seconds: number
  readonly wrong: number
}

/** Runs the C peer once. @param threads how many of them share the work */
export type CPeer = (threads: 'one' | 'two', load: Load) => PeerRound

/** The peer, compiled if it was not yet; or why this machine has none. */
export const compilePeer = (): CPeer | { readonly missing: string } => {
  const program = compileProgram('ring-peer')
  if (typeof program !== 'string') return program
  return (threads, { roundTrips, batch }) => {
    const { status, stdout, stderr } = spawnSync(program, [threads, `${roundTrips}`, `${batch}`], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the C peer ended with ${status}: ${stderr}`)
    return JSON.parse(stdout) as PeerRound
  }
}
