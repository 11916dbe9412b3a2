import type { EmulatedPlatform } from './emulated-platform.js'
import type { ExitReport, Program, Vcpu } from './vcpu.js'

/**
 * Runs a domain's code in this thread. JavaScript cannot be stopped from outside, so killing revokes the platform: the
 * domain gets no more events, and whatever it touches throws.
 */
export class InlineVcpu implements Vcpu {
  readonly exited: Promise<ExitReport>
  readonly #platform: EmulatedPlatform
  readonly #abort = new AbortController()
  #onKilled: (report: ExitReport) => void = () => {}

  constructor(program: Program, platform: EmulatedPlatform, argument: unknown) {
    this.#platform = platform
    const run = async (): Promise<ExitReport> => {
      try {
        await program({ platform, argument, signal: this.#abort.signal })
        return { how: 'halted' }
      } catch (error) {
        return { how: 'crashed', error: error instanceof Error ? error : new Error(String(error)) }
      }
    }
    this.exited = Promise.race([
      run(),
      new Promise<ExitReport>((resolve) => {
        this.#onKilled = resolve
      }),
    ])
  }

  shutdown(): void {
    this.#abort.abort()
  }

  async kill(): Promise<void> {
    this.#onKilled({ how: 'killed' })
    this.#platform.revoke()
    this.#abort.abort()
  }
}
