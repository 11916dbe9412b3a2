import type { Domid } from '@split-driver/abi'
import { type AttachedConsole, attachConsole } from '@split-driver/cli'
import { until } from './patience.js'

/** Somebody who sits at a console of our daemon: types, and keeps all that has been shown. */
export class AttachedTerminal implements Disposable {
  readonly #console: AttachedConsole
  #shown = Buffer.alloc(0)
  #count = 0
  #ended = false

  /** @throws Error if the daemon does not offer the domain's console in time */
  static async attach(socketFolder: string, domid: Domid, seconds: number): Promise<AttachedTerminal> {
    const attempt = () => attachConsole({ socketFolder, domid }).catch(() => undefined)
    return new AttachedTerminal(await until(seconds, `the console of domain ${domid} in ${socketFolder}`, attempt))
  }

  private constructor(console: AttachedConsole) {
    this.#console = console
    void this.#follow()
  }

  /** Bytes that have been shown so far. */
  get count(): number {
    return this.#count
  }

  bytes(from: number, to = this.#count): Buffer {
    return this.#shown.subarray(from, to)
  }

  /** As a person does: key after key. */
  async type(text: string): Promise<void> {
    for (const key of text) await this.#console.type(Buffer.from(key, 'latin1'))
  }

  /**
   * Waits until `text` is shown.
   * @param from where to look for it: a `count` of before
   * @returns the count of bytes up to its end
   */
  async waitFor(text: string, seconds: number, from = 0): Promise<number> {
    try {
      return await until(seconds, `'${text}' on the console`, () => {
        const at = this.bytes(from).indexOf(text, 0, 'latin1')
        if (at < 0 && this.#ended) throw new Error(`the console ended before '${text}' came`)
        return at >= 0 && from + at + text.length
      })
    } catch (error) {
      const last = this.bytes(Math.max(from, this.#count - 2000)).toString('latin1')
      throw new Error(`${(error as Error).message}; it shows: ${last}`)
    }
  }

  /** Waits until so many bytes have been shown since the beginning. */
  async waitForCount(count: number, seconds: number): Promise<void> {
    await until(seconds, `${count} bytes on the console, of which ${this.#count} came`, () => this.#count >= count)
  }

  [Symbol.dispose](): void {
    this.#console[Symbol.dispose]()
  }

  async #follow(): Promise<void> {
    try {
      for await (const bytes of this.#console.output) this.#keep(bytes)
    } catch {
      // The daemon has gone: as its end.
    }
    this.#ended = true
  }

  #keep(bytes: Uint8Array): void {
    if (this.#count + bytes.length > this.#shown.length) {
      const larger = Buffer.alloc(Math.max(65_536, 2 * this.#shown.length, this.#count + bytes.length))
      this.#shown.copy(larger, 0, 0, this.#count)
      this.#shown = larger
    }
    this.#shown.set(bytes, this.#count)
    this.#count += bytes.length
  }
}
