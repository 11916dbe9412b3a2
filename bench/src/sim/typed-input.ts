import type { ConsoleBackend } from '@split-driver/console'

/** The first byte of what is typed at each daemon is this and its number; no other byte is as high. */
const FIRST_BYTE = 0x80

interface Session {
  /** Bytes that were given to the daemon, and of these, those that it said it had put into the ring. */
  readonly typed: number
  taken: number
  received: number
}

const byteOf = (session: number, index: number): number => (index === 0 ? FIRST_BYTE + session : index % 101)

/**
 * What was typed for one guest, at one daemon after the other. A daemon that is killed takes with it what it had not put into
 * the ring yet; everything else arrives, in its order.
 */
export class TypedInput {
  readonly #sessions: Session[] = []
  #current = -1
  #wrong: string | undefined

  /** Types at a daemon that serves the console from now on. */
  type(console: ConsoleBackend, byteLength: number): void {
    const number = this.#sessions.length
    const session: Session = { typed: byteLength, taken: 0, received: 0 }
    this.#sessions.push(session)
    const writer = console.attachWriter().writable.getWriter()
    writer.closed.catch(() => undefined)
    const bytes = Uint8Array.from({ length: byteLength }, (_, i) => byteOf(number, i))
    const half = byteLength >> 1
    for (const piece of [bytes.subarray(0, half), bytes.subarray(half)]) {
      const taken = () => {
        session.taken += piece.length
      }
      writer.write(piece).then(taken, () => undefined)
    }
  }

  receive(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte >= FIRST_BYTE) this.#current = Math.max(this.#current, byte - FIRST_BYTE)
      const session = this.#sessions[this.#current]
      const due = session && byteOf(this.#current, session.received)
      if (session) session.received++
      if (byte !== due) this.#wrong ??= `byte ${byte} of its input is not ${due}`
    }
  }

  /** All that was typed at the last daemon has arrived. */
  get complete(): boolean {
    const last = this.#sessions.at(-1)
    return last === undefined || last.received >= last.typed
  }

  /** @param whole the guest has had the time to read everything @returns what is wrong */
  judge(whole: boolean): string | undefined {
    if (this.#wrong !== undefined || !whole) return this.#wrong
    if (!this.complete) return 'not all of its input arrived'
    const lost = this.#sessions.find(({ taken, received }) => received < taken)
    return lost && `${lost.taken} bytes of input were taken for it, ${lost.received} arrived`
  }
}
