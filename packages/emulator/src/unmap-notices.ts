import { type Domid, type Port, type SharedMemory, XenError } from '@split-driver/abi'
import type { UnmapNotice } from '@split-driver/grant'
import type { EventChannelCalls } from './hypervisor/event-channel-calls.js'

/** What a domain's kernel was asked to do when pages are let go. */
export class UnmapNotices {
  readonly #domid: Domid
  readonly #calls: EventChannelCalls
  readonly #asked = new Map<object, UnmapNotice>()

  constructor(domid: Domid, calls: EventChannelCalls) {
    this.#domid = domid
    this.#calls = calls
  }

  /**
   * Takes the place of what was asked for these pages before.
   * @throws XenError EINVAL for a port that is not open, or a byte that we could not write; RangeError for one outside
   */
  ask(pages: object, memory: SharedMemory, isWritable: boolean, { clearByte, port }: UnmapNotice): void {
    if (clearByte !== undefined && !(Number.isInteger(clearByte) && clearByte >= 0 && clearByte < memory.byteLength))
      throw new RangeError(`byte ${clearByte} lies outside of these ${memory.byteLength} bytes`)
    if (clearByte !== undefined && !isWritable)
      throw new XenError('EINVAL', 'a byte of read-only pages cannot be cleared', { detail: { clearByte } })
    if (port !== undefined) this.#calls.isPending(this.#domid, port)
    if (clearByte === undefined && port === undefined) this.#asked.delete(pages)
    else
      this.#asked.set(pages, {
        ...(clearByte === undefined ? {} : { clearByte }),
        ...(port === undefined ? {} : { port }),
      })
  }

  /** While the pages can still be written: clears their byte. @returns what is left to do once they are let go */
  letGo(pages: object, memory: SharedMemory): () => void {
    const asked = this.#asked.get(pages)
    if (!asked) return nothing
    this.#asked.delete(pages)
    if (asked.clearByte !== undefined) memory.store8(asked.clearByte, 0)
    const { port } = asked
    return port === undefined ? nothing : () => this.#notify(port)
  }

  /** The domain is no more, and so is its kernel, which would have kept its promises. */
  forgetAll(): void {
    this.#asked.clear()
  }

  /** A port that was closed meanwhile tells nobody. */
  #notify(port: Port): void {
    try {
      this.#calls.send(this.#domid, port)
    } catch (error) {
      if (!XenError.is(error, 'EINVAL')) throw error
    }
  }
}

const nothing = (): void => {}
