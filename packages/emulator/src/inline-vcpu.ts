import type { EmulatedPlatform } from './emulated-platform.js'
import { loadProgram } from './program-module.js'
import { crashReport, type ExitReport, type StartVcpu, type Vcpu, type VcpuRequest } from './vcpu.js'

/** Runs a domain's code in this thread. */
export const startInline: StartVcpu = (request) => new InlineVcpu(request)

/**
 * JavaScript cannot be stopped from outside, so killing revokes the platform: the domain gets no more events, and whatever it
 * touches throws.
 */
class InlineVcpu implements Vcpu {
  readonly exited: Promise<ExitReport>
  readonly #platform: EmulatedPlatform
  readonly #abort = new AbortController()
  #onKilled: (report: ExitReport) => void = () => {}

  constructor(request: VcpuRequest) {
    this.#platform = request.machine.attach(request.domid)
    const killed = new Promise<ExitReport>((resolve) => {
      this.#onKilled = resolve
    })
    this.exited = Promise.race([this.#run(request), killed])
  }

  shutdown(): void {
    this.#abort.abort()
  }

  async kill(): Promise<void> {
    this.#onKilled({ how: 'killed' })
    this.#platform.revoke()
    this.#abort.abort()
  }

  async #run({ program, argument }: VcpuRequest): Promise<ExitReport> {
    try {
      await using platform = this.#platform
      const code = typeof program === 'function' ? program : await loadProgram(program)
      await code({ platform, argument, signal: this.#abort.signal })
      return { how: 'halted' }
    } catch (error) {
      return crashReport(error)
    }
  }
}
