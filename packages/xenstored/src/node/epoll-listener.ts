import { rm } from 'node:fs/promises'
import { constants } from 'node:os'
import type { ByteChannel } from '@split-driver/xenbus'
import { Epoll, type Watcher } from './epoll.js'
import { errnoException } from './errno-exception.js'
import { FdChannel } from './fd-channel.js'
import { bindPrivately, SOCKET_PATH_MAX_BYTES } from './listen-privately.js'
import type { Bequest, Listener, OnConnection } from './listener.js'
import type { SocketLibrary } from './socket-library.js'

/** @see sys/socket.h, sys/un.h */
const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const FAMILY_BYTES = 2

/** @see fcntl.h */
const F_SETFD = 2
const F_SETFL = 4
const FD_CLOEXEC = 1

const { EINTR, EAGAIN, ECONNABORTED } = constants.errno

/** Clients that have connected and were not accepted yet; the kernel takes what it allows of it. */
const BACKLOG = 4096

/** By the kernel's own calls: a round trip costs a read and a write, and nothing is allocated for it. */
export class EpollListener implements Listener {
  readonly #library: SocketLibrary
  readonly #epoll: Epoll
  readonly #onConnection: OnConnection
  readonly #open = new Set<FdChannel>()
  #path: string | undefined
  #fd: number | undefined
  readonly #acceptor: Watcher = { onEvent: () => this.#acceptAll(), probe: () => false }
  /** Somebody could not be accepted, for want of descriptors most likely. */
  #waiting = false

  /** @param busyMs as `Epoll`'s */
  constructor(library: SocketLibrary, busyMs: number, onConnection: OnConnection) {
    this.#library = library
    this.#epoll = new Epoll(library, busyMs)
    this.#onConnection = onConnection
  }

  async listen(path: string): Promise<void> {
    const fd = this.#checked('socket', this.#library.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
    try {
      const address = unixAddress(path)
      bindPrivately(path, () => this.#checked('bind', this.#library.bind(fd, address, address.length)))
      this.#checked('listen', this.#library.listen(fd, BACKLOG))
      this.#epoll.add(fd, this.#acceptor)
    } catch (error) {
      this.#library.close(fd)
      throw error
    }
    this.#path = path
    this.#fd = fd
  }

  get bequest(): Bequest | undefined {
    const fdOf = (channel: ByteChannel) => (channel instanceof FdChannel ? channel.fd : undefined)
    return this.#fd === undefined ? undefined : { fd: this.#fd, fdOf }
  }

  /** Goes on with a socket that another program listened at. @throws what the kernel says, if it is none */
  adopt(path: string, fd: number): void {
    this.#own(fd)
    this.#epoll.add(fd, this.#acceptor)
    this.#path = path
    this.#fd = fd
    this.#acceptAll()
  }

  /** Goes on with a connection that another program accepted. @throws what the kernel says, if it is none */
  adoptConnection(fd: number): ByteChannel {
    this.#own(fd)
    const channel = new FdChannel(this.#library, this.#epoll, fd, (closed) => this.#forget(closed))
    this.#open.add(channel)
    return channel
  }

  /** As all descriptors here: nothing waits for it, and no program that is started later has it. */
  #own(fd: number): void {
    this.#checked('fcntl', this.#library.fcntl(fd, F_SETFL, SOCK_NONBLOCK))
    this.#checked('fcntl', this.#library.fcntl(fd, F_SETFD, FD_CLOEXEC))
  }

  async close(): Promise<void> {
    const fd = this.#fd
    this.#fd = undefined
    if (fd !== undefined) {
      this.#epoll.remove(fd)
      this.#library.close(fd)
    }
    for (const channel of this.#open) channel.close()
    this.#epoll[Symbol.dispose]()
    if (fd !== undefined) await rm(this.#path!, { force: true })
  }

  #acceptAll(): void {
    while (this.#fd !== undefined) {
      const fd = this.#library.accept4(this.#fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC)
      const errno = fd < 0 ? this.#library.errno() : 0
      if (errno === EINTR || errno === ECONNABORTED) continue
      this.#waiting = errno !== 0 && errno !== EAGAIN
      if (errno !== 0) return
      this.#take(fd)
    }
  }

  #take(fd: number): void {
    const channel = new FdChannel(this.#library, this.#epoll, fd, (closed) => this.#forget(closed))
    this.#open.add(channel)
    this.#onConnection(channel)
  }

  #forget(channel: FdChannel): void {
    this.#open.delete(channel)
    if (this.#waiting) this.#acceptAll()
  }

  #checked(call: string, result: number): number {
    if (result < 0) throw errnoException(call, this.#library.errno())
    return result
  }
}

const unixAddress = (path: string): Uint8Array => {
  const address = new Uint8Array(FAMILY_BYTES + SOCKET_PATH_MAX_BYTES + 1)
  address[0] = AF_UNIX
  new TextEncoder().encodeInto(path, address.subarray(FAMILY_BYTES, -1))
  return address
}
