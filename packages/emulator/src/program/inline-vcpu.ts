import type { EmulatedPlatform } from '../emulated-platform.js'
import { ProgramRun } from './program-run.js'
import type { ExitReport, StartVcpu, Vcpu, VcpuRequest } from './vcpu.js'

/** Runs a domain's code in this thread. */
export const startInline: StartVcpu = (request) => new InlineVcpu(request)

/**
 * JavaScript cannot be stopped from outside, so killing revokes the platform: the domain gets no more events, and whatever it
 * touches throws.
 */
class InlineVcpu implements Vcpu {
  readonly exited: Promise<ExitReport>
  readonly #platform: EmulatedPlatform
  readonly #run: ProgramRun
  #onKilled: (report: ExitReport) => void = () => {}

  constructor({ machine, domid, program, argument, attaching }: VcpuRequest) {
    this.#platform = machine.attach(domid, attaching)
    this.#run = new ProgramRun(this.#platform)
    const killed = new Promise<ExitReport>((resolve) => {
      this.#onKilled = resolve
    })
    this.exited = Promise.race([this.#run.run(program, argument), killed])
  }

  shutdown(): void {
    this.#run.shutdown()
  }

  async kill(): Promise<void> {
    this.#onKilled({ how: 'killed' })
    this.#platform.revoke()
    this.#run.shutdown()
  }
}
