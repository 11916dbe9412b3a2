import { XenError } from '@split-driver/abi'
import type { EmulatedPlatform } from '../emulated-platform.js'
import type { Resumption } from '../guest/guest-hypercalls.js'
import { ignoreClosed, ShutdownRequests } from '../toolstack/control-shutdown.js'
import type { ShutdownRequest } from '../toolstack/domain-lifecycle.js'
import { loadProgram } from './program-module.js'
import { crashReport, type ExitReport, type Program, type ProgramContext, type ProgramModule } from './vcpu.js'

/** One program in its domain, in whatever thread: from the first unpausing to its end. */
export class ProgramRun {
  /** Fulfilled when the program has shut its domain down by a hypercall. */
  readonly stopped: Promise<void>
  readonly #abort = new AbortController()
  #onStopped: () => void = () => {}
  #onSuspend: ((suspend: () => Promise<Resumption>) => Promise<void>) | undefined
  /** The one that it runs on now: it may have gone on afresh. */
  #platform: EmulatedPlatform
  #requests: ShutdownRequests
  #request: ProgramContext['shutdownRequest']
  #crash: (error: unknown) => void = () => {}

  constructor(platform: EmulatedPlatform) {
    this.stopped = new Promise((resolve) => {
      this.#onStopped = resolve
    })
    this.#platform = platform
    this.#requests = this.#settleOn(platform)
  }

  /** Asks the program to end. */
  shutdown(request: Exclude<ShutdownRequest, 'suspend'> = 'poweroff'): void {
    this.#request ??= request
    this.#abort.abort()
  }

  /** @returns when the program has ended, or has shut the domain down. The platform is revoked then */
  async run(program: Program | ProgramModule, argument: unknown): Promise<ExitReport> {
    const first = this.#platform
    try {
      if (first.gate.isHeld) await first.gate.whenRunning()
      const code = typeof program === 'function' ? program : await loadProgram(program)
      void this.#listen().catch(ignoreClosed)
      const crashed = new Promise<never>((_, reject) => {
        this.#crash = reject
      })
      await Promise.race([code(this.#context(argument)), this.stopped, crashed])
      return this.#request === 'reboot' ? { how: 'halted', reason: 'reboot' } : { how: 'halted' }
    } catch (error) {
      return crashReport(error)
    } finally {
      first.revoke()
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
      onSuspend: (handler) => {
        this.#onSuspend = handler
        void this.#acceptSuspend().catch(ignoreClosed)
      },
    }
  }

  async #listen(): Promise<void> {
    const ask = (request: ShutdownRequest) => this.shutdown(request as Exclude<ShutdownRequest, 'suspend'>)
    for (const request of ['poweroff', 'reboot', 'halt'] as const) await this.#accept(request, ask)
    await this.#acceptSuspend()
  }

  async #acceptSuspend(): Promise<void> {
    const handler = this.#onSuspend
    if (handler) await this.#accept('suspend', () => void handler(() => this.#suspend()).catch(this.#crash))
  }

  async #suspend(): Promise<Resumption> {
    const resumption = await this.#platform.hypercalls.sched.suspend()
    if (resumption.how === 'afresh') {
      this.#platform = resumption.platform
      this.#requests = this.#settleOn(resumption.platform)
      void this.#listen().catch(ignoreClosed)
    }
    return resumption
  }

  #settleOn(platform: EmulatedPlatform): ShutdownRequests {
    void platform.stopped.then(this.#onStopped)
    return new ShutdownRequests(platform.xenstore)
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
