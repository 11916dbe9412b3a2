import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DOM0, XenError } from '@split-driver/abi'
import type { ByteChannel } from '@split-driver/xenbus'
import { xenstoreSocketPath } from '@split-driver/xenbus/node'
import type { XenstoreServer } from '../xenstore-server.js'
import { EpollListener } from './epoll-listener.js'
import { listenAlone } from './listen-alone.js'
import type { Bequest, Listener, OnConnection } from './listener.js'
import { NetListener } from './net-listener.js'
import { loadSocketLibrary } from './socket-library.js'

export interface XenstoreSocketOptions {
  /** Where libxenstore's clients look for it, unless given. */
  readonly path?: string
  /**
   * Microseconds for which the process waits for the next request without giving the processor away. It costs so much
   * after each burst of requests, and saves those who ask one thing after the other a wake-up each time.
   */
  readonly busyMicroseconds?: number
  /** Whose sockets: Node's, or the kernel's own calls, which are several times faster; the latter where there are any. */
  readonly sockets?: 'node' | 'kernel' | 'auto'
}

const BUSY_MICROSECONDS = 50

const NO_CALLS = "the kernel's own calls need Linux, and koffi's binary for it"

/**
 * XenStore's own protocol at a Unix socket. Whoever may connect, which the socket's mode 0600 leaves to its owner, has the
 * rights of domain 0: libxenstore's clients come this way, and so do ours.
 */
export class XenstoreSocketServer implements AsyncDisposable {
  readonly path: string
  readonly #listener: Listener

  /**
   * Makes the folder if there is none, and replaces the socket of a daemon that was killed.
   * @throws XenError EBUSY if a daemon lives there, EEXIST if something is there that is no socket, EINVAL for a path that
   * is too long; what the system says otherwise, such as EACCES
   */
  static async listen(server: XenstoreServer, options: XenstoreSocketOptions = {}): Promise<XenstoreSocketServer> {
    const { path = xenstoreSocketPath() } = options
    await mkdir(dirname(path), { recursive: true })
    const listener = await newListener(options, (channel) => server.accept(channel, { domid: DOM0, privileged: true }))
    try {
      await listenAlone(
        path,
        () => listener.listen(path),
        () => busy(path),
      )
    } catch (error) {
      await listener.close()
      throw error
    }
    return new XenstoreSocketServer(path, listener)
  }

  /**
   * Goes on with the socket of a program that was here before, and with its connections.
   * @param begin makes the server; `channelOf` gives it the connections that it is to resume
   * @throws XenError ENOSYS where the kernel's own calls cannot be had
   */
  static async resume<S extends Pick<XenstoreServer, 'accept'>>(
    { path, fd, busyMicroseconds = BUSY_MICROSECONDS }: { path: string; fd: number; busyMicroseconds?: number },
    begin: (channelOf: (fd: number) => ByteChannel | undefined) => S,
  ): Promise<XenstoreSocketServer> {
    const library = await loadSocketLibrary()
    if (library === undefined) throw new XenError('ENOSYS', NO_CALLS)
    const listener: EpollListener = new EpollListener(library, busyMicroseconds / 1000, (channel) =>
      server.accept(channel, { domid: DOM0, privileged: true }),
    )
    const server = begin((connection) => {
      try {
        return listener.adoptConnection(connection)
      } catch {
        // Its client sees a connection that has ended, as if we had.
        return undefined
      }
    })
    listener.adopt(path, fd)
    return new XenstoreSocketServer(path, listener)
  }

  /** What another program in this process can go on with. */
  get bequest(): Bequest | undefined {
    return this.#listener.bequest
  }

  private constructor(path: string, listener: Listener) {
    this.path = path
    this.#listener = listener
  }

  /** Nobody connects any more, those who are connected are let go, and the socket is gone. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#listener.close()
  }
}

const newListener = async (
  { sockets = 'auto', busyMicroseconds = BUSY_MICROSECONDS }: XenstoreSocketOptions,
  onConnection: OnConnection,
): Promise<Listener> => {
  const library = sockets === 'node' ? undefined : await loadSocketLibrary()
  if (library !== undefined) return new EpollListener(library, busyMicroseconds / 1000, onConnection)
  if (sockets === 'kernel') throw new XenError('ENOSYS', NO_CALLS)
  return new NetListener(onConnection)
}

const busy = (path: string): XenError =>
  new XenError('EBUSY', `another XenStore daemon serves ${path}: stop it, or choose another socket`, {
    detail: { path },
  })
