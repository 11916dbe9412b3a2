import { type FlatMemory, PAGE_BYTES } from '@split-driver/abi'
import { ByteRing, xenstoreDomainInterface, xenstoreRingView } from '@split-driver/ring'
import { concatBytes } from '@split-driver/xenbus'

const { at } = xenstoreDomainInterface
const INDEX_BYTES = 4

interface Progress {
  readonly asked: number
  readonly received: Uint8Array
}

const START: Progress = { asked: 0, received: new Uint8Array() }

/**
 * A domain with a string of requests, which takes no step unless it is told: so it can be copied at any moment, its page with
 * it, and go on with another server.
 */
export class RingGuest {
  readonly page: FlatMemory
  readonly #requests: Uint8Array
  readonly #ring: ByteRing
  #asked: number
  #received: Uint8Array<ArrayBufferLike>

  constructor(page: FlatMemory, requests: Uint8Array, { asked, received }: Progress = START) {
    this.page = page
    this.#requests = requests
    this.#ring = new ByteRing(xenstoreRingView, page)
    this.#asked = asked
    this.#received = received
  }

  get received(): Uint8Array {
    return this.#received
  }

  /** Takes at most so many bytes of what there is, and asks for as much as there is room. */
  step(most: number): void {
    const taken = new Uint8Array(most)
    this.#received = concatBytes(this.#received, taken.subarray(0, this.#ring.read(taken)))
    this.#asked += this.#ring.write(this.#requests.subarray(this.#asked))
  }

  /** With this page in place of its own, which becomes as its own is now. */
  copyTo(page: FlatMemory): RingGuest {
    const words = PAGE_BYTES / INDEX_BYTES
    for (let word = 0; word < words; word++) page.store(word, this.page.load(word))
    return new RingGuest(page, this.#requests, { asked: this.#asked, received: this.#received })
  }

  /** Calls before each word that anybody stores in order: indices, and what says how the connection is. */
  watchIndices(onStore: () => void): void {
    const { page } = this
    const store = page.storeOrdered.bind(page)
    page.storeOrdered = (word, value) => {
      if (word >= at.reqCons.word) onStore()
      store(word, value)
    }
  }
}
