import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { encodeLine, LineReader, type Report, type Request } from '../../protocol.js'

const stayEveryMs = 10_000

/** The program that a machine is. */
export interface MachineCommand {
  readonly command: readonly [string, ...string[]]
  readonly environment: Record<string, string>
}

/** What a machine tells while it runs. */
export interface MachineListener {
  report(report: Report): void
  /** What dom0 and Xen write on the first serial port. */
  console(bytes: Buffer): void
  /** What QEMU itself complains about, and lines of the second port that are no messages. */
  noise(text: string): void
  /** It is gone: ended by dom0, or by `kill`. */
  ended(code: number | null): void
}

/** One running machine: QEMU in a process group of its own, which ends with this process at the latest. */
export class Machine implements AsyncDisposable {
  readonly #qemu: ChildProcess
  readonly #agent: Duplex
  #stay: NodeJS.Timeout | undefined
  readonly #killAtExit = () => this.#killGroup()
  #ended = false

  constructor({ command, environment }: MachineCommand, listener: MachineListener) {
    const [program, ...args] = command
    const env = { ...process.env, ...environment }
    this.#qemu = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true })
    process.once('exit', this.#killAtExit)
    this.#agent = this.#qemu.stdio[3] as Duplex
    const reader = new LineReader<Report>(
      (report) => this.#take(report, listener),
      (line) => listener.noise(`${line}\n`),
    )
    this.#agent.on('data', (bytes) => reader.push(bytes))
    // The far ends close when the machine ends, which `ended` tells.
    for (const stream of [this.#agent, this.#qemu.stdin]) stream?.on('error', () => undefined)
    this.#qemu.stdout?.on('data', (bytes) => listener.console(bytes))
    this.#qemu.stderr?.on('data', (bytes) => listener.noise(String(bytes)))
    this.#qemu.once('error', (error) => listener.noise(`${error.message}\n`))
    this.#qemu.once('close', (code) => {
      this.#ended = true
      clearInterval(this.#stay)
      process.removeListener('exit', this.#killAtExit)
      listener.ended(code)
    })
  }

  ask(request: Request) {
    this.#agent.write(encodeLine(request))
  }

  /** Types on the first serial port. */
  type(bytes: Uint8Array) {
    this.#qemu.stdin?.write(bytes)
  }

  /** Resolves when the machine is gone. */
  async [Symbol.asyncDispose]() {
    if (this.#ended) return
    const gone = once(this.#qemu, 'close')
    this.#killGroup()
    await gone
  }

  /** Before the agent is ready, the port would echo what is sent. */
  #take(report: Report, listener: MachineListener) {
    if (report.tell === 'ready') this.#stay = setInterval(() => this.ask({ ask: 'stay' }), stayEveryMs)
    listener.report(report)
  }

  #killGroup() {
    try {
      if (this.#qemu.pid !== undefined) process.kill(-this.#qemu.pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }
}
