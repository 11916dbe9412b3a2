import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report, ScenarioEvent, Versions } from '../../protocol.js'
import type { Scenario } from '../../scenario.js'
import { Machine, type MachineCommand } from './machine.js'

/** Ten times what it takes on a slow machine. */
const bootLimitSeconds = 300
/** The agent keeps the limits; this much later the host stops waiting for it. */
const graceSeconds = 60
const endLimitSeconds = 30
/** So much of the console, in characters, tells why a machine ended. */
const lastWordsLength = 1000

/** How a scenario ended. After one that was not `clean`, dom0 is of no use any more. */
export interface ScenarioEnd {
  readonly seconds: number
  readonly failure?: string
  readonly clean: boolean
}

/** A conversation with the agent of one booted dom0: one thing at a time. */
export class Dom0 implements AsyncDisposable {
  /** For whoever looks at dom0's console; the log has everything anyhow. */
  onConsole: (bytes: Uint8Array) => void = () => undefined
  readonly #machine: Machine
  #onReport: (report: Report) => void = () => undefined
  #onEnd: (reason: string) => void = () => undefined
  #lastWords = ''
  #endReason: string | undefined

  private constructor(command: MachineCommand, logs: string, boot: number) {
    const console = `console-${boot}.log`
    this.#machine = new Machine(command, {
      report: (report) => this.#onReport(report),
      console: (bytes) => {
        appendFileSync(join(logs, console), bytes)
        this.#lastWords = (this.#lastWords + bytes.toString('latin1')).slice(-lastWordsLength)
        this.onConsole(bytes)
      },
      noise: (text) => appendFileSync(join(logs, `qemu-${boot}.log`), text),
      ended: (code) => {
        this.#endReason = `the machine ended (QEMU's exit code ${code}); the end of ${console}:\n${this.#lastWords}`
        this.#onEnd(this.#endReason)
      },
    })
  }

  /** Resolves when the agent is there. @param boot - number of this boot in its run, for the names of the logs */
  static async boot(command: MachineCommand, logs: string, boot: number): Promise<{ dom0: Dom0; versions: Versions }> {
    const dom0 = new Dom0(command, logs, boot)
    try {
      const report = await dom0.#until('ready', bootLimitSeconds, 'dom0 boots')
      return { dom0, versions: report.versions }
    } catch (error) {
      await dom0[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Rejects only when dom0 is gone or does not answer. */
  async runScenario(
    { name, limitSeconds, ruinsDom0 = false }: Pick<Scenario, 'name' | 'limitSeconds' | 'ruinsDom0'>,
    onEvent: (event: ScenarioEvent) => void,
  ): Promise<ScenarioEnd> {
    this.#machine.ask({ ask: 'scenario', name, limitSeconds, ruinsDom0 })
    return this.#until('scenario ends', limitSeconds + graceSeconds, name, (report) => onEvent(report as ScenarioEvent))
  }

  /** @returns the command's exit code */
  async runCommand(command: string, limitSeconds: number, onOutput: (text: string) => void): Promise<number> {
    this.#machine.ask({ ask: 'command', command, limitSeconds })
    const onReport = (report: Report) => report.tell === 'output' && onOutput(report.text)
    return (await this.#until('command ends', limitSeconds + graceSeconds, command, onReport)).code
  }

  /** Types on dom0's console. */
  type(bytes: Uint8Array) {
    this.#machine.type(bytes)
  }

  /** Lets dom0 end itself, or ends it. */
  async [Symbol.asyncDispose]() {
    if (this.#endReason === undefined) {
      this.#onEnd('nobody waits for dom0 any more')
      const ended = new Promise<void>((resolve) => {
        this.#onEnd = () => resolve()
        setTimeout(resolve, endLimitSeconds * 1000).unref()
      })
      this.#machine.ask({ ask: 'end' })
      await ended
    }
    await this.#machine[Symbol.asyncDispose]()
  }

  /** Waits for one kind of report and hands on what comes before it. */
  #until<Kind extends Report['tell']>(
    kind: Kind,
    limitSeconds: number,
    what: string,
    other?: (report: Report) => void,
  ) {
    return new Promise<Extract<Report, { tell: Kind }>>((resolve, reject) => {
      const fail = (reason: string) => {
        clearTimeout(timer)
        reject(new Error(reason))
      }
      const timer = setTimeout(() => fail(`${what}: no answer from dom0 for ${limitSeconds} s`), limitSeconds * 1000)
      this.#onEnd = fail
      this.#onReport = (report) => {
        if (report.tell !== kind) return other?.(report)
        clearTimeout(timer)
        resolve(report as Extract<Report, { tell: Kind }>)
      }
      if (this.#endReason !== undefined) fail(this.#endReason)
    })
  }
}
