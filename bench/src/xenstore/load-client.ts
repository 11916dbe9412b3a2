import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { compileProgram } from '../compile-program.js'
import type { TreeShape, Work } from './work.js'

/** One round of one daemon. */
export interface Round {
  /** Operations a second. */
  readonly rate: number
  /** Microseconds of one unit of work. */
  readonly p50: number
  readonly p99: number
}

/** Where a client asks: at a socket, or by the ring whose page is this file. */
export interface Place {
  readonly path: string
  /** By which the ring's events come and go. */
  readonly events?: Socket
}

/** The clients in C, in processes of their own: the same for every daemon. */
export class LoadClient {
  readonly #programs: Readonly<Record<Work['program'], string>>

  /** @returns what this machine lacks, if it cannot have them */
  static compile(): LoadClient | { readonly missing: string } {
    const [load, fanOut] = [compileProgram('xenstore-load'), compileProgram('xenstore-fan-out')]
    if (typeof load !== 'string') return load
    if (typeof fanOut !== 'string') return fanOut
    return new LoadClient({ 'xenstore-load': load, 'xenstore-fan-out': fanOut })
  }

  private constructor(programs: Readonly<Record<Work['program'], string>>) {
    this.#programs = programs
  }

  /** Makes trees to work on. */
  async fill(place: Place, trees: readonly TreeShape[]): Promise<void> {
    for (const { prefix, folders, nodes } of trees)
      await this.#run('xenstore-load', place, ['fill', prefix, `${folders}`, `${nodes}`])
  }

  /** @throws Error with what the client complains of: a wrong answer, a closed connection */
  async measure(place: Place, { program, args, weight }: Work): Promise<Round> {
    const stdout = await this.#run(program, place, args)
    const { count, seconds, p50, p99 } = JSON.parse(stdout) as Record<'count' | 'seconds' | 'p50' | 'p99', number>
    return { rate: (count * weight) / seconds, p50, p99 }
  }

  async #run(program: Work['program'], { path, events }: Place, args: readonly string[]): Promise<string> {
    const stdio = ['ignore', 'pipe', 'pipe', events ?? 'ignore'] as const
    const child = spawn(this.#programs[program], [path, ...args], { stdio: [...stdio] })
    const ended = new Promise((resolve) => child.once('close', resolve))
    const [stdout, stderr, code] = await Promise.all([text(child.stdout!), text(child.stderr!), ended])
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }
}
