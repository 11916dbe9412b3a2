import { XenError } from '@split-driver/abi'
import { ignoreClosed, ShutdownRequests } from './control-shutdown.js'
import type { ShutdownRequest } from './domain-lifecycle.js'
import type { EmulatedPlatform } from './emulated-platform.js'
import type { Resumption } from './guest-hypercalls.js'
import { loadProgram } from './program-module.js'
import { crashReport, type ExitReport, type Program, type ProgramContext, type ProgramModule } from './vcpu.js'

/** One program in its domain, in whatever thread: from the first unpausing to its end. */
export class ProgramRun {
  readonly #platform: EmulatedPlatform
  readonly #abort = new AbortController()
  readonly #requests: ShutdownRequests
  #request: ProgramContext['shutdownRequest']
  #crash: (error: unknown) => void = () => {}

  constructor(platform: EmulatedPlatform) {
    this.#platform = platform
    this.#requests = new ShutdownRequests(platform.xenstore)
  }

  /** Asks the program to end. */
  shutdown(request: Exclude<ShutdownRequest, 'suspend'> = 'poweroff'): void {
    this.#request ??= request
    this.#abort.abort()
  }

  /** @returns when the program has ended, or has shut the domain down. The platform is revoked then */
  async run(program: Program | ProgramModule, argument: unknown): Promise<ExitReport> {
    const platform = this.#platform
    try {
      if (platform.gate.isHeld) await platform.gate.whenRunning()
      const code = typeof program === 'function' ? program : await loadProgram(program)
      void this.#listen().catch(ignoreClosed)
      const crashed = new Promise<never>((_, reject) => {
        this.#crash = reject
      })
      await Promise.race([code(this.#context(argument)), platform.stopped, crashed])
      return this.#request === 'reboot' ? { how: 'halted', reason: 'reboot' } : { how: 'halted' }
    } catch (error) {
      return crashReport(error)
    } finally {
      platform.revoke()
    }
  }

  #context(argument: unknown): ProgramContext {
    const request = () => this.#request
    return {
      platform: this.#platform,
      argument,
      signal: this.#abort.signal,
      get shutdownRequest() {
        return request()
      },
      onSuspend: (handler) => this.#acceptSuspend(handler),
    }
  }

  async #listen(): Promise<void> {
    const ask = (request: ShutdownRequest) => this.shutdown(request as Exclude<ShutdownRequest, 'suspend'>)
    for (const request of ['poweroff', 'reboot', 'halt'] as const) await this.#accept(request, ask)
  }

  #acceptSuspend(handler: (suspend: () => Promise<Resumption>) => Promise<void>): void {
    const { sched } = this.#platform.hypercalls
    const suspend = () => void handler(() => sched.suspend()).catch(this.#crash)
    void this.#accept('suspend', suspend).catch(ignoreClosed)
  }

  /** A toolstack that keeps no keys for a guest to write its features to does not ask for them either. */
  async #accept(request: ShutdownRequest, handler: (request: ShutdownRequest) => void): Promise<void> {
    try {
      await this.#requests.accept(request, handler)
    } catch (error) {
      if (!XenError.is(error, 'EACCES', 'ENOENT')) throw error
    }
  }
}
