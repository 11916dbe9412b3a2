import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { compileProgram } from '../compile-program.js'
import { TREES, type Work } from './work.js'

/** One round of one daemon. */
export interface Round {
  /** Operations a second. */
  readonly rate: number
  /** Microseconds of one unit of work. */
  readonly p50: number
  readonly p99: number
}

const run = promisify(execFile)

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

  /** Makes the trees that are worked on. */
  async fill(socket: string): Promise<void> {
    for (const { prefix, folders, nodes } of TREES)
      await run(this.#programs['xenstore-load'], [socket, 'fill', prefix, `${folders}`, `${nodes}`])
  }

  /** @throws Error with what the client complains of: a wrong answer, a closed connection */
  async measure(socket: string, { program, args, weight }: Work): Promise<Round> {
    const { stdout } = await run(this.#programs[program], [socket, ...args])
    const { count, seconds, p50, p99 } = JSON.parse(stdout) as Record<'count' | 'seconds' | 'p50' | 'p99', number>
    return { rate: (count * weight) / seconds, p50, p99 }
  }
}
