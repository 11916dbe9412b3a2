import { XenError } from '@split-driver/abi'
import { sliceViews } from '../views.js'
import { assertSuccessor, type ExportInfo } from './export-info.js'
import type { NbdClientOptions } from './nbd-client-options.js'
import { NbdRequest } from './nbd-request.js'
import { NbdSession, type SessionEvents, type SessionOptions } from './nbd-session.js'
import { CommandFlag, ExportFlag, NbdCommand } from './protocol.js'
import { Reconnector } from './reconnector.js'
import { SendWindow } from './send-window.js'
import { writeAnew } from './write-anew.js'

/** Trims and zeroes carry nothing, but a server need not take any length. */
const MOST_BYTES_WITHOUT_PAYLOAD = 2 ** 30

/**
 * Requests to one export, over as many connections as it takes. What had no answer when a connection broke is sent again,
 * after all that was acknowledged and that no flush had covered: the server may have restarted and lost it.
 */
export class NbdClient {
  readonly #options: NbdClientOptions
  readonly #sessionOptions: SessionOptions
  readonly #patienceMs: number
  readonly #reconnector: Reconnector
  readonly #events: SessionEvents = {
    onAnswer: (request) => this.#answered(request),
    onLost: (session, error, broken) => this.#lost(session, error, broken),
  }
  readonly #info: ExportInfo
  readonly #window: SendWindow
  #session: NbdSession | undefined
  /** Not sent, or not any more. */
  #queue: NbdRequest[] = []
  #flushingEarly = false
  /** Of a flush that nobody had asked for: the next that somebody asks for fails with it. */
  #failedFlush: XenError | undefined
  #patience: { cancel(): void } | undefined
  /** Why the last try to connect failed. */
  #failure: XenError | undefined
  /** Why requests fail at once: there has been no connection for longer than anybody waits. */
  #givenUp: XenError | undefined
  #closed = false

  private constructor(options: NbdClientOptions, sessionOptions: SessionOptions, info: ExportInfo) {
    const { clock, random = () => 1, patienceMs = 120_000 } = options
    this.#options = options
    this.#sessionOptions = sessionOptions
    this.#patienceMs = patienceMs
    this.#info = info
    this.#window = new SendWindow(options, (info.flags & ExportFlag.Flush) !== 0)
    this.#reconnector = new Reconnector(() => this.#connect(), clock, random)
  }

  /** Tries once. @throws XenError saying why the export cannot be used */
  static async open(options: NbdClientOptions): Promise<NbdClient> {
    const { clock, connectMs = 10_000, silenceMs } = options
    const sessionOptions = { clock, connectMs, silenceMs }
    const session = await NbdSession.open(options, sessionOptions)
    const client = new NbdClient(options, sessionOptions, session.info)
    client.#session = session
    session.start(client.#events)
    return client
  }

  get info(): ExportInfo {
    return this.#info
  }

  /** Fills `views`, which have `byteLength` bytes together. */
  read(position: number, byteLength: number, views: readonly Uint8Array[]): Promise<void> {
    return this.#submit(NbdCommand.Read, 0, position, byteLength, views)
  }

  write(position: number, byteLength: number, views: readonly Uint8Array[]): Promise<void> {
    const durable = this.#window.isLarge(byteLength) && this.#has(ExportFlag.ForceUnitAccess)
    return this.#submit(NbdCommand.Write, durable ? CommandFlag.ForceUnitAccess : 0, position, byteLength, views)
  }

  /** Only where the export has `Trim`. */
  trim(position: number, byteLength: number): Promise<void> {
    return this.#submit(NbdCommand.Trim, 0, position, byteLength, [])
  }

  /** Only where the export has `WriteZeroes`. Space stays taken, as if zeros had been written. */
  writeZeroes(position: number, byteLength: number): Promise<void> {
    return this.#submit(NbdCommand.WriteZeroes, CommandFlag.NoHole, position, byteLength, [])
  }

  /** What was acknowledged before is durable. A server that knows no flush has made it so before it answered. */
  async flush(): Promise<void> {
    if (!this.#has(ExportFlag.Flush)) return
    await new Promise<void>((resolve, reject) => {
      this.#enqueue(new NbdRequest(NbdCommand.Flush, 0, 0, 0, [], (error) => (error ? reject(error) : resolve())))
    })
    const failed = this.#failedFlush
    this.#failedFlush = undefined
    if (failed) throw failed
  }

  /** What has no answer fails with CLOSED. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#reconnector.stop()
    this.#patience?.cancel()
    const session = this.#session
    this.#session = undefined
    session?.close()
    const requests = [...(session?.takeOutstanding() ?? []), ...this.#queue]
    this.#queue = []
    for (const request of requests) request.onDone(closed())
  }

  #has(flag: number): boolean {
    return (this.#info.flags & flag) !== 0
  }

  /** In pieces that the server takes. Done when all of them are: no view may be touched after that. */
  #submit(command: NbdCommand, flags: number, position: number, byteLength: number, views: readonly Uint8Array[]) {
    const most = views.length === 0 ? MOST_BYTES_WITHOUT_PAYLOAD : this.#info.maximumBytes
    return new Promise<void>((resolve, reject) => {
      let left = Math.ceil(byteLength / most)
      let failed: XenError | undefined
      if (left === 0) resolve()
      const onDone = (error?: XenError): void => {
        failed ??= error
        if (--left > 0) return
        if (failed) reject(failed)
        else resolve()
      }
      for (let at = 0; at < byteLength; at += most) {
        const length = Math.min(most, byteLength - at)
        const slice = length === byteLength ? views : sliceViews(views, at, at + length)
        this.#enqueue(new NbdRequest(command, flags, position + at, length, slice, onDone))
      }
    })
  }

  #enqueue(request: NbdRequest): void {
    if (this.#closed) request.onDone(closed())
    else if (this.#givenUp) request.onDone(this.#givenUp)
    else {
      this.#queue.push(request)
      this.#pump()
    }
  }

  #pump(): void {
    const session = this.#session
    if (session === undefined) return
    let sent = 0
    while (sent < this.#queue.length && this.#window.fits(this.#queue[sent]!)) this.#send(session, this.#queue[sent++]!)
    if (sent > 0) this.#queue.splice(0, sent)
    if (!this.#flushingEarly && this.#window.wantsFlush(this.#queue[0])) this.#flushEarly(session)
  }

  #send(session: NbdSession, request: NbdRequest): void {
    this.#window.sent(request)
    session.send(request)
  }

  #flushEarly(session: NbdSession): void {
    this.#flushingEarly = true
    const request = new NbdRequest(NbdCommand.Flush, 0, 0, 0, [], (error) => {
      this.#flushingEarly = false
      if (request.answered) this.#failedFlush ??= error
    })
    this.#send(session, request)
  }

  #answered(request: NbdRequest): void {
    const { error } = request
    // What is written anew is kept already.
    if (this.#session !== undefined) {
      this.#window.answered(request)
      this.#reconnector.settled()
    }
    request.onDone(error)
    this.#pump()
  }

  #lost(session: NbdSession, error: XenError, broken: boolean): void {
    const outstanding = session.takeOutstanding()
    if (session !== this.#session) {
      for (const request of outstanding) request.onDone(error)
      return
    }
    this.#session = undefined
    this.#window.lost()
    const { clock, onLost } = this.#options
    const now = clock.now()
    const again: NbdRequest[] = []
    for (const request of outstanding) {
      request.lostAt ??= now
      if (broken || now - request.lostAt >= this.#patienceMs) request.onDone(error)
      else again.push(request)
    }
    this.#queue = [...again, ...this.#queue]
    this.#failure = error
    this.#patience = clock.setTimer(this.#patienceMs, () => this.#giveUp())
    onLost?.(error)
    this.#reconnector.start()
  }

  /** It goes on trying, but nobody waits for it. */
  #giveUp(): void {
    const cause = this.#failure
    const message = `the NBD server has been away for ${this.#patienceMs / 1000} s: ${cause?.message}`
    const error = new XenError('EIO', message, { cause })
    this.#givenUp = error
    const requests = this.#queue
    this.#queue = []
    for (const request of requests) request.onDone(error)
  }

  /** @throws if it must be tried again */
  async #connect(): Promise<void> {
    let session: NbdSession | undefined
    try {
      session = await NbdSession.open(this.#options, this.#sessionOptions)
      session.start(this.#events)
      assertSuccessor(session.info, this.#info)
      await writeAnew(session, this.#window.kept)
      if (session.ended) throw new XenError('EIO', 'the NBD connection broke')
    } catch (error) {
      session?.close()
      if (XenError.is(error)) this.#failure = error
      throw error
    }
    if (this.#closed) {
      session.close()
      return
    }
    this.#session = session
    this.#givenUp = undefined
    this.#patience?.cancel()
    this.#options.onBack?.()
    this.#pump()
  }
}

const closed = (): XenError => new XenError('CLOSED', 'the NBD disk was closed')
