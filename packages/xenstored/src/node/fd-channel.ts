import { constants } from 'node:os'
import type { ByteChannel } from '@split-driver/xenbus'
import type { Epoll, Watcher } from './epoll.js'
import type { SocketLibrary } from './socket-library.js'

/** @see sys/socket.h */
const MSG_NOSIGNAL = 0x4000

const { EINTR, EAGAIN } = constants.errno

/** Bytes that are taken from the kernel at once, ahead of what is asked for: the requests of a pipelining client. */
const INBOX_BYTES = 4096

const SHORT_BYTES = 64

/**
 * A connected Unix socket, by the kernel's own calls: what is sent is gone or refused when `send` returns, so nothing waits
 * in this process, and what nobody asks for stays in the kernel, which holds up the other side (S4).
 */
export class FdChannel implements ByteChannel, Watcher {
  readonly #library: SocketLibrary
  readonly #epoll: Epoll
  readonly #fd: number
  readonly #onClosed: (channel: FdChannel) => void
  /** What was taken from the kernel and not from here lies between `#first` and `#end`. */
  #inbox: Uint8Array | undefined
  #first = 0
  #end = 0
  /** There may be something in the kernel that was not taken. */
  #readable = true
  #wantsRoom = false
  #handler: (() => void) | undefined
  #gone = false
  #closed = false

  /** @param fd connected, does not block, and is this channel's from now on, also if this throws */
  constructor(library: SocketLibrary, epoll: Epoll, fd: number, onClosed: (channel: FdChannel) => void) {
    this.#library = library
    this.#epoll = epoll
    this.#fd = fd
    this.#onClosed = onClosed
    try {
      epoll.add(fd, this)
    } catch (error) {
      library.close(fd)
      throw error
    }
  }

  get fd(): number {
    return this.#fd
  }

  get closed(): boolean {
    return this.#gone
  }

  send(source: Uint8Array): number {
    if (this.#gone || source.length === 0) return 0
    for (;;) {
      const count = this.#library.send(this.#fd, source, source.length, MSG_NOSIGNAL)
      const errno = count < 0 ? this.#library.errno() : 0
      if (errno === EINTR) continue
      this.#gone = errno !== 0 && errno !== EAGAIN
      if (!this.#gone && count < source.length) this.#wantRoom(true)
      return Math.max(count, 0)
    }
  }

  receive(target: Uint8Array): number {
    if (this.#first === this.#end && !this.#fill()) return 0
    const count = Math.min(target.length, this.#end - this.#first)
    const inbox = this.#inbox!
    // Most requests are short, and a view of them would cost more than their bytes.
    if (count > SHORT_BYTES) target.set(inbox.subarray(this.#first, this.#first + count))
    else for (let i = 0; i < count; i++) target[i] = inbox[this.#first + i]!
    this.#first += count
    return count
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    queueMicrotask(() => this.#handler?.())
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#gone = true
    this.#epoll.remove(this.#fd)
    this.#library.close(this.#fd)
    this.#onClosed(this)
    this.#handler?.()
  }

  onEvent(): void {
    this.#readable = true
    if (this.#wantsRoom) this.#wantRoom(false)
    this.#handler?.()
  }

  /** Only when all was taken that has come: nothing is read ahead of somebody who reads no more. */
  probe(): boolean {
    if (this.#readable || this.#first < this.#end || this.#gone) return false
    this.#readable = true
    const any = this.#fill() || this.#gone
    if (any) this.#handler?.()
    return any
  }

  #wantRoom(wanted: boolean): void {
    if (this.#wantsRoom === wanted) return
    this.#wantsRoom = wanted
    this.#epoll.wantRoom(this.#fd, wanted)
  }

  /** @returns whether anything has arrived */
  #fill(): boolean {
    if (!this.#readable || this.#closed) return false
    this.#inbox ??= new Uint8Array(INBOX_BYTES)
    // A stream that gives less than there is room for has no more: an event will tell of what comes. @see epoll(7)
    const count = this.#receive(this.#inbox)
    this.#readable = count === INBOX_BYTES
    this.#first = 0
    this.#end = count
    return count > 0
  }

  #receive(target: Uint8Array): number {
    for (;;) {
      const count = this.#library.recv(this.#fd, target, target.length, 0)
      if (count > 0) return count
      const errno = count < 0 ? this.#library.errno() : 0
      if (errno === EINTR) continue
      if (errno !== EAGAIN) this.#gone = true
      return 0
    }
  }
}
