import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { inTime } from './patience.js'

export interface DaemonOptions {
  /** What it prints when it serves. */
  readonly ready: RegExp
  /** Seconds until then; 60 unless given. */
  readonly seconds?: number
  /** Variables in addition to our own. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Seconds in which a daemon that was asked to stop has to be gone. */
const STOP_SECONDS = 30

/** How much of its output is kept, characters. */
const KEPT = 65_536

/** A program of dom0 that serves until it is told to stop. */
export class Daemon {
  readonly name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  #said = ''
  #onSaid: () => void = () => {}

  /** Resolves when the daemon says that it serves. @throws Error with what it said, if it ends before or is too slow */
  static async start(program: string, args: readonly string[], options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(program, args, options)
    try {
      await daemon.waitFor(options.ready, options.seconds ?? 60)
      return daemon
    } catch (error) {
      daemon.#child.kill('SIGKILL')
      throw error
    }
  }

  private constructor(program: string, args: readonly string[], { environment }: DaemonOptions) {
    this.name = [program, ...args].join(' ')
    const env = { ...process.env, ...environment }
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(`could not be started: ${error.message}`))
      this.#child.once('close', (status, signal) => resolve(signal === null ? `status ${status}` : `signal ${signal}`))
    })
    void this.#ended.then(() => this.#onSaid())
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-KEPT)
        this.#onSaid()
      })
  }

  /** The process id. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} was not started`)
    return this.#child.pid
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it has written, standard output and standard error in the order in which they came. */
  get said(): string {
    return this.#said
  }

  /** Resolves when it has said something that matches. @throws Error if it ends before, or not within `seconds` */
  async waitFor(what: RegExp, seconds: number): Promise<RegExpExecArray> {
    try {
      return await inTime(seconds, `${what}`, this.#match(what))
    } catch (error) {
      throw new Error(`${this.name}: ${(error as Error).message}; it said: ${this.#said.slice(-2000).trim()}`)
    }
  }

  /** Asks it to end by SIGTERM and demands that it does, with status 0. Idempotent. */
  async stop(): Promise<void> {
    if (!this.running) return
    this.#child.kill('SIGTERM')
    try {
      const how = await inTime(STOP_SECONDS, 'its end after SIGTERM', this.#ended)
      if (how !== 'status 0') throw new Error(`ended with ${how}`)
    } catch (error) {
      this.#child.kill('SIGKILL')
      throw new Error(`${this.name}: ${(error as Error).message}; it said: ${this.#said.slice(-2000).trim()}`)
    }
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    if (!this.running) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }

  /** Resolves with how it ended. */
  get ended(): Promise<string> {
    return this.#ended
  }

  async #match(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.#said)
      if (found) return found
      if (!this.running) throw new Error(`ended with ${await this.#ended}`)
      await new Promise<void>((resolve) => {
        this.#onSaid = resolve
      })
    }
  }
}
