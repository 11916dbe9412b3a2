import type { Domid } from '@split-driver/abi'
import type { StoreMachine } from '@split-driver/conformance'
import type { Clock } from '@split-driver/platform'
import {
  type ByteChannel,
  concatBytes,
  encodeMessage,
  packStringAndRest,
  packStrings,
  RingChannel,
  XenStoreOp,
} from '@split-driver/xenbus'

/** What a hostile domain does without an end. */
export interface Misdeed {
  readonly name: string
  /** What it sends, over and over. */
  readonly bytes: Uint8Array
  /** Whether it takes what it is sent. */
  readonly reads: boolean
}

const message = (type: number, body: Uint8Array, txId = 0): Uint8Array => encodeMessage({ type, reqId: 1, txId, body })

const start = message(XenStoreOp.TransactionStart, packStrings(''))

const many = (count: number, one: (index: number) => Uint8Array): Uint8Array =>
  concatBytes(...Array.from({ length: count }, (_, index) => one(index)))

/** Written to by all who may. */
export const OPEN_PATH = '/open'

export const MISDEEDS: readonly Misdeed[] = [
  {
    name: 'floods with writes',
    bytes: many(200, (i) => message(XenStoreOp.Write, packStringAndRest(`flood/${i}`, 'v'.repeat(i % 50)))),
    reads: true,
  },
  {
    name: 'fires as many watches as it may have',
    bytes: concatBytes(
      many(200, (i) => message(XenStoreOp.Watch, packStrings('watched', `${i}`))),
      many(200, (i) => message(XenStoreOp.Write, packStringAndRest('watched/x', `${i}`))),
      message(XenStoreOp.ResetWatches, packStrings('')),
    ),
    reads: true,
  },
  {
    name: 'fills transactions and resets them',
    bytes: concatBytes(
      many(10, () => start),
      many(300, (i) => message(XenStoreOp.Write, packStringAndRest(`t/${i}`, 'v'), 1 + (i % 10))),
      message(XenStoreOp.TransactionEnd, packStrings('T'), 1),
      message(XenStoreOp.ResetWatches, packStrings('')),
    ),
    reads: true,
  },
  {
    name: 'asks for much and never reads',
    bytes: concatBytes(
      message(XenStoreOp.Write, packStringAndRest('big', 'v'.repeat(1900))),
      many(100, (i) => message(XenStoreOp.Watch, packStrings(OPEN_PATH, `${i}`))),
      many(100, () => message(XenStoreOp.Read, packStrings('big'))),
    ),
    reads: false,
  },
  {
    name: 'sends what no request is',
    bytes: concatBytes(
      many(100, (i) => message(i % 2 ? 20 : XenStoreOp.SetPerms, packStrings(`/${'x/'.repeat(i % 20)}`, 'n0', 'zz'))),
      many(100, (i) => message(XenStoreOp.Mkdir, packStrings(`deep${'/d'.repeat(i % 20)}`))),
      message(XenStoreOp.Rm, packStrings('deep')),
    ),
    reads: true,
  },
]

/** Keeps its ring full of a misdeed’s bytes. What it does itself is timed: elsewhere it would have a processor of its own. */
export class HostileDomain {
  readonly #channel: ByteChannel
  readonly #misdeed: Misdeed
  readonly #scratch = new Uint8Array(4096)
  readonly #clock: Clock
  #sent = 0
  #stopped = false
  #ownMs = 0

  constructor(machine: StoreMachine, clock: Clock, domid: Domid, misdeed: Misdeed) {
    const channel = RingChannel.front(machine.pages.get(domid)!, () => machine.raise(domid))
    machine.onNotify.set(domid, () => channel.wake())
    this.#channel = channel
    this.#misdeed = misdeed
    this.#clock = clock
    channel.onReady(() => this.#goOn())
  }

  /** Milliseconds of this thread that it took so far for what it did itself. */
  get ownMs(): number {
    return this.#ownMs
  }

  stop(): void {
    this.#stopped = true
  }

  #goOn(): void {
    if (this.#stopped) return
    const began = this.#clock.now()
    this.#exchange()
    this.#ownMs += this.#clock.now() - began
  }

  #exchange(): void {
    const { bytes, reads } = this.#misdeed
    if (reads) while (this.#channel.receive(this.#scratch) > 0);
    for (let count = 1; count > 0; ) {
      count = this.#channel.send(bytes.subarray(this.#sent))
      this.#sent = (this.#sent + count) % bytes.length
    }
  }
}
