import { arch } from 'node:process'
import { errnoException } from './errno-exception.js'
import type { OnPoll, PollHandle, SocketLibrary } from './socket-library.js'

/** @see sys/epoll.h */
const EPOLLIN = 0x001
const EPOLLOUT = 0x004
const EPOLLRDHUP = 0x2000
const EPOLLET = 1 << 31
const EPOLL_CLOEXEC = 0x80000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_MOD = 3

/** A `struct epoll_event` is packed on x86-64 only; its data, of which we use the lower half, begins at this word. */
const DATA_WORD = arch === 'x64' ? 1 : 2
const EVENT_WORDS = DATA_WORD + 2

/** Events that are taken from the kernel at once. */
const BATCH = 128

/** Milliseconds for which sockets are served before the rest of the event loop has its turn. */
const PASS_LIMIT_MS = 1

/** Milliseconds for which one descriptor may be looked at again and again before all are asked for. */
const PROBE_LIMIT_MS = 0.1

/** Waits for a descriptor. */
export interface Watcher {
  /** Something happened: there is something to read, or room to write, or the other end is gone. */
  onEvent(): void
  /** Looks by itself whether there is something to read, without having been told. @returns whether there was */
  probe(): boolean
}

/**
 * Waits for any number of descriptors, edge-triggered: each is told of once whenever something new happened to it. The
 * event loop watches this epoll descriptor as one of its own. Once something has happened, the next is looked for from
 * microtasks, in turn with the work that it makes, without going through the loop: a client that asks one request after
 * the other costs no wake-up for each. Who was told last is looked at first, since it is likely to be next, and then it has
 * cost one system call less.
 */
export class Epoll implements Disposable {
  readonly #library: SocketLibrary
  readonly #busyMs: number
  readonly #fd: number
  readonly #handle: PollHandle
  /** By descriptor, as the kernel gives out the smallest number that is free. */
  readonly #watchers: (Watcher | undefined)[] = []
  readonly #events = new Int32Array(EVENT_WORDS * BATCH)
  readonly #interest = new Int32Array(EVENT_WORDS)
  /** Whom the last event was for. */
  #last: Watcher | undefined
  #lastTake = 0
  #passing = false
  #passBegan = 0
  #lastEvent = 0
  #ended = false

  /** @param busyMs for how long after the last event the next is waited for without leaving the processor */
  constructor(library: SocketLibrary, busyMs: number) {
    this.#library = library
    this.#busyMs = busyMs
    this.#fd = library.epoll_create1(EPOLL_CLOEXEC)
    if (this.#fd < 0) throw errnoException('epoll_create1', library.errno())
    this.#handle = library.watch(this.#fd, this.#onReadable)
  }

  /** @throws what the kernel says: ENOMEM, ENOSPC as the `code` of an Error */
  add(fd: number, watcher: Watcher): void {
    this.#control(EPOLL_CTL_ADD, fd, EPOLLIN)
    this.#watchers[fd] = watcher
  }

  /** From now on, or no longer, room to write is told of, too. */
  wantRoom(fd: number, wanted: boolean): void {
    this.#control(EPOLL_CTL_MOD, fd, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN)
  }

  /** To be called just before `fd` is closed, which is what makes the kernel forget it. */
  remove(fd: number): void {
    if (this.#watchers[fd] === this.#last) this.#last = undefined
    this.#watchers[fd] = undefined
  }

  /** Tells of nothing any more. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#ended) return
    this.#ended = true
    this.#handle.close()
    this.#library.close(this.#fd)
  }

  #control(operation: number, fd: number, events: number): void {
    this.#interest[0] = events | EPOLLRDHUP | EPOLLET
    this.#interest[DATA_WORD] = fd
    if (this.#library.epoll_ctl(this.#fd, operation, fd, this.#interest) < 0)
      throw errnoException('epoll_ctl', this.#library.errno())
  }

  /**
   * koffi swallows what its callback throws, and calls it no more: what goes wrong must come up in a turn of its own. Its
   * hold on this function is what keeps the handle from being collected, with all that is reachable from here.
   */
  readonly #onReadable: OnPoll = (status) => {
    if (this.#ended) return
    if (status < 0) this.#handle.start({ readable: true }, this.#onReadable)
    if (this.#passing) return
    this.#lastEvent = performance.now()
    this.#beginPass()
  }

  readonly #beginPass = (): void => {
    this.#passing = true
    this.#passBegan = performance.now()
    queueMicrotask(this.#pass)
  }

  readonly #pass = (): void => {
    if (this.#ended) return
    const began = performance.now()
    const any = this.#probe(began) || this.#takeEvents(began)
    const now = performance.now()
    if (any) this.#lastEvent = now
    if (now - this.#lastEvent > this.#busyMs) this.#passing = false
    else if (now - this.#passBegan < PASS_LIMIT_MS) queueMicrotask(this.#pass)
    // The rest of the loop has its turn, and must not fall asleep in it.
    else setImmediate(this.#beginPass)
  }

  #probe(now: number): boolean {
    return this.#last !== undefined && now - this.#lastTake < PROBE_LIMIT_MS && this.#last.probe()
  }

  #takeEvents(now: number): boolean {
    this.#lastTake = now
    const count = this.#library.epoll_wait(this.#fd, this.#events, BATCH, 0)
    for (let i = 0; i < count; i++) {
      const watcher = this.#watchers[this.#events[i * EVENT_WORDS + DATA_WORD]!]
      this.#last = watcher
      watcher?.onEvent()
    }
    return count > 0
  }
}
