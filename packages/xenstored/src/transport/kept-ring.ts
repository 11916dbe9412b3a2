import { after, distance } from '@split-driver/ring'
import { type ByteChannel, concatBytes, type RingChannel } from '@split-driver/xenbus'
import type { Journal } from '../state/journal/journal.js'

const NOTHING = new Uint8Array()

/** How far a ring's two streams have come, by the ring's own indices. */
export interface RingProgress {
  /** Up to here requests were taken. */
  readonly received: number
  /** From here on lies, or is to lie, `output`: replies and events, each byte of which was decided on. */
  readonly sent: number
  readonly output: Uint8Array
}

/**
 * A ring whose conversation outlives us. The page does, so its own indices tell the next daemon how many bytes of what the
 * journal has were sent already; what was taken is given up only when the journal has what came of it. So no request is
 * lost or done twice, and no message is sent twice or torn, wherever we are killed: one record of the journal has a turn's
 * changes, up to where its requests reach, and every byte of their answers.
 *
 * A turn takes requests only when all of the turn before is in the ring: at most one turn's answers wait here.
 */
export class KeptRing implements ByteChannel {
  readonly #channel: RingChannel
  readonly #journal: Pick<Journal, 'pending' | 'whenWritten'>
  #received: number
  #sent: number
  #output: Uint8Array
  #isOpen = false
  #isWritten = true
  #changed = false
  #onReady = (): void => {}

  /** @param progress where another left off */
  constructor(
    channel: RingChannel,
    journal: Pick<Journal, 'pending' | 'whenWritten'>,
    progress: RingProgress = { ...channel.position, output: NOTHING },
  ) {
    this.#channel = channel
    this.#journal = journal
    // As many of the bytes were sent as the page says.
    const { sent } = channel.position
    this.#received = progress.received
    this.#sent = sent
    this.#output = progress.output.subarray(distance(sent, progress.sent))
  }

  get closed(): boolean {
    return this.#channel.closed
  }

  get progress(): RingProgress {
    return { received: this.#received, sent: this.#sent, output: this.#output }
  }

  /** A turn begins. */
  begin(): void {
    if (this.#isWritten) this.settle()
    this.#isOpen = this.#isWritten && this.#output.length === 0
    this.#changed = false
  }

  /** The turn is over. @param record is called if anything came of it, and appends that to the journal */
  end(record: () => void): void {
    this.#isOpen = false
    if (!this.#changed) return
    record()
    this.#isWritten = !this.#journal.pending
    if (this.#isWritten) this.settle()
    else this.#journal.whenWritten(this.#written)
  }

  /** Gives up what was taken, and sends what there is room for: somebody has it written down. */
  settle(): void {
    this.#channel.release(this.#received)
    if (this.#output.length === 0) return
    const count = this.#channel.send(this.#output)
    this.#sent = after(this.#sent, count)
    this.#output = this.#output.subarray(count)
  }

  receive(target: Uint8Array): number {
    if (!this.#isOpen) return 0
    const count = this.#channel.receiveAhead(this.#received, target)
    this.#received = after(this.#received, count)
    if (count > 0) this.#changed = true
    return count
  }

  /** All or nothing. */
  send(source: Uint8Array): number {
    if (!this.#isOpen) return 0
    this.#output = concatBytes(this.#output, source)
    this.#changed = true
    return source.length
  }

  onReady(handler: () => void): void {
    this.#onReady = handler
    this.#channel.onReady(handler)
  }

  close(): void {
    this.#channel.close()
  }

  readonly #written = (): void => {
    this.#isWritten = true
    this.#onReady()
  }
}
