import type { ConsoleIoCalls } from '../hypervisor/console-io-calls.js'

/** The machine's own console, from outside: what guests said before they had any other, and a keyboard for the control domain. */
export class EmergencyConsole {
  readonly #calls: ConsoleIoCalls

  constructor(calls: ConsoleIoCalls) {
    this.#calls = calls
  }

  /** The last 16 KiB of output. Lines of guests begin with `(d<domid>) `. */
  text(): string {
    return new TextDecoder().decode(this.#calls.log().bytes)
  }

  /** Bytes of output that `text` no longer has, modulo 2³². */
  get droppedBytes(): number {
    return this.#calls.log().dropped
  }

  /** @returns how many bytes of it found room; the control domain has not read the rest away yet */
  type(input: string | Uint8Array): number {
    return this.#calls.type(typeof input === 'string' ? new TextEncoder().encode(input) : input)
  }
}
