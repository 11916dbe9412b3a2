import { connect, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { XenError, type XenErrorCode } from '@split-driver/abi'
import type { ByteReceiver, ByteStream, Dial } from '../nbd/byte-stream.js'

/** Where a server listens. */
export type SocketPlace = { readonly host: string; readonly port: number } | { readonly path: string }

const KEEP_ALIVE_MS = 15_000

/**
 * Dials a TCP or Unix socket.
 * @param tls how to go on encrypted; undefined if that will not be asked for, and then the socket fills the receiver's
 * memory itself
 */
export const dialSocket =
  (place: SocketPlace, tls?: ConnectionOptions): Dial =>
  (receiver) =>
    new Promise((resolve, reject) => {
      const options: NetConnectOpts = { ...place, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
      const stream: { current?: SocketStream } = {}
      const onread: OnReadOpts = {
        buffer: () => receiver.room(),
        callback: (count) => {
          stream.current?.received(count)
          return true
        },
      }
      const socket = connect(tls === undefined ? { ...options, onread } : options)
      stream.current = new SocketStream(socket, receiver, tls)
      const refuse = (error: Error): void => reject(unreachable(error, place))
      socket.once('error', refuse)
      socket.once('connect', () => {
        socket.off('error', refuse)
        resolve(stream.current!)
      })
    })

/** Bytes over a socket of Node's. */
class SocketStream implements ByteStream {
  readonly #receiver: ByteReceiver
  readonly #tls: ConnectionOptions | undefined
  #socket: Socket
  #closed = false

  constructor(socket: Socket, receiver: ByteReceiver, tls: ConnectionOptions | undefined) {
    this.#socket = socket
    this.#receiver = receiver
    this.#tls = tls
    this.#listen(socket)
    if (tls !== undefined) socket.on('data', this.#copy)
  }

  received(count: number): void {
    if (!this.#closed) this.#receiver.received(count)
  }

  write(pieces: readonly Uint8Array[], onSent: () => void): void {
    const socket = this.#socket
    if (this.#closed || socket.destroyed) return
    socket.cork()
    const last = pieces.length - 1
    pieces.forEach((piece, index) => {
      if (index < last) socket.write(piece)
      else socket.write(piece, (error) => (error ? undefined : onSent()))
    })
    socket.uncork()
  }

  startTls(): Promise<void> {
    const plain = this.#socket
    plain.off('data', this.#copy)
    plain.removeAllListeners('end').removeAllListeners('close')
    return new Promise((resolve, reject) => {
      const secure = connectTls({ ...this.#tls, socket: plain })
      this.#socket = secure
      const refuse = (error: Error): void => {
        this.destroy()
        reject(new XenError('EACCES', `TLS with the NBD server failed: ${error.message}`, { cause: error }))
      }
      secure.once('error', refuse)
      secure.once('close', () => refuse(new Error('the server ended the connection')))
      secure.once('secureConnect', () => {
        secure.removeAllListeners('error').removeAllListeners('close')
        this.#listen(secure)
        secure.on('data', this.#copy)
        resolve()
      })
    })
  }

  end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#closed = true
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    const end = (reason: Error): void => {
      if (this.#closed) return
      this.destroy()
      this.#receiver.ended(reason)
    }
    socket.on('error', end)
    socket.on('end', () => end(new Error('the server ended it')))
    socket.on('close', () => end(new Error('it was closed')))
  }

  readonly #copy = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length && !this.#closed; ) {
      const piece = bytes.subarray(at)
      const room = this.#receiver.room()
      const count = Math.min(room.length, piece.length)
      room.set(piece.subarray(0, count))
      this.#receiver.received(count)
      at += count
    }
  }
}

const KNOWN_CODES: readonly XenErrorCode[] = ['ENOENT', 'EACCES', 'EPERM']

const unreachable = (error: Error & { readonly code?: string }, place: SocketPlace): XenError => {
  const where = 'path' in place ? place.path : `${place.host} port ${place.port}`
  const code = KNOWN_CODES.find((known) => known === error.code) ?? 'EIO'
  return new XenError(code, `no NBD server can be reached at ${where}: ${error.message}`, { cause: error })
}
