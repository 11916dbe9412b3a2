import type { ByteChannel } from '@split-driver/xenbus'

/** Bytes that are taken from one side before the other has taken them. */
const BUFFER_BYTES = 4096

/** Passes on what comes, one way. */
class OneWay {
  readonly #from: ByteChannel
  readonly #to: ByteChannel
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  /** What lies in the buffer and has not gone out. */
  #pending = this.#buffer.subarray(0, 0)

  constructor(from: ByteChannel, to: ByteChannel) {
    this.#from = from
    this.#to = to
  }

  /** Until nothing comes, or nothing can go. */
  move(): void {
    for (;;) {
      if (this.#pending.length === 0) this.#pending = this.#buffer.subarray(0, this.#from.receive(this.#buffer))
      if (this.#pending.length === 0) return
      const count = this.#to.send(this.#pending)
      this.#pending = this.#pending.subarray(count)
      if (count === 0) return
    }
  }
}

/** Joins two channels: what comes by one goes out by the other. `onEnd` is called once, when either has closed. */
export const joinChannels = (one: ByteChannel, other: ByteChannel, onEnd: () => void): void => {
  const ways = [new OneWay(one, other), new OneWay(other, one)]
  let ended = false
  const move = (): void => {
    for (const way of ways) way.move()
    if (ended || !(one.closed || other.closed)) return
    ended = true
    onEnd()
  }
  one.onReady(move)
  other.onReady(move)
}
