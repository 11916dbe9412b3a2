import { XenError } from '@split-driver/abi'
import type { ExportInfo } from './export-info.js'
import { type Entered, enterExport } from './handshake.js'
import { type ConnectOptions, type NbdLink, type NbdTarget, openLink } from './nbd-link.js'
import { disconnectHeader, type NbdRequest } from './nbd-request.js'
import { NbdCommand } from './protocol.js'
import { BrokenProtocol, readReplies, ServerShutdown } from './read-replies.js'

export interface SessionOptions extends ConnectOptions {
  /** Requests wait and no answer comes for so long: the connection counts as lost. */
  readonly silenceMs: number | undefined
}

export interface SessionEvents {
  /** Its reply is complete, `request.error` tells how it went, and its memory is not touched any more. */
  onAnswer(request: NbdRequest): void
  /**
   * The connection is gone, and `takeOutstanding` has what was not answered.
   * @param broken the server broke the protocol: asking it again would lead nowhere
   */
  onLost(session: NbdSession, error: XenError, broken: boolean): void
}

/** One connection in an export: from the end of its handshake to its own end. */
export class NbdSession {
  readonly info: ExportInfo
  readonly #link: NbdLink<Entered>
  readonly #options: SessionOptions
  /** By cookie, in the order of sending. */
  readonly #waiting = new Map<number, NbdRequest>()
  #events: SessionEvents | undefined
  #cookies = 0
  /** Sent at the end of this turn, so that the requests of one turn are one call of the system. */
  #pieces: Uint8Array[] = []
  #batch: NbdRequest[] = []
  #unsent = 0
  #ended = false
  #heardAt = 0
  #silence: { cancel(): void } | undefined

  private constructor(link: NbdLink<Entered>, options: SessionOptions) {
    this.info = link.result.info
    this.#link = link
    this.#options = options
  }

  /** @throws XenError saying why the export cannot be used; nothing stays open then */
  static async open(target: NbdTarget, options: SessionOptions): Promise<NbdSession> {
    const { exportName = '' } = target
    const link = await openLink(target, options, (send, greeting) => enterExport(send, greeting, exportName))
    return new NbdSession(link, options)
  }

  /** Reads replies from now on. Once, before the first request. */
  start(events: SessionEvents): void {
    this.#events = events
    this.#link.onEnded = (reason) => this.#lose(reason)
    const { structured } = this.#link.result
    const replies = readReplies({ structured, find: this.#find, onAnswer: this.#answered })
    this.#link.feed.run(replies).catch((reason: Error) => this.#lose(reason))
  }

  /** It is gone, or was closed. */
  get ended(): boolean {
    return this.#ended
  }

  send(request: NbdRequest): void {
    request.renew(this.#cookies++)
    this.#waiting.set(request.cookie, request)
    if (this.#batch.push(request) === 1) queueMicrotask(this.#sendBatch)
    this.#pieces.push(request.header())
    if (request.command === NbdCommand.Write) for (const view of request.views) this.#pieces.push(view)
    this.#watchSilence()
  }

  /** All that have no answer, in the order of sending; the connection is gone. */
  takeOutstanding(): NbdRequest[] {
    const requests = [...this.#waiting.values()]
    this.#waiting.clear()
    return requests
  }

  /** Takes leave where nothing is under way, else hangs up. Idempotent; `onLost` is not called. */
  close(): void {
    this.#end(new XenError('CLOSED', 'the NBD connection was closed'), this.#waiting.size === 0)
  }

  readonly #sendBatch = (): void => {
    if (this.#ended) return
    const [pieces, batch] = [this.#pieces, this.#batch]
    this.#pieces = []
    this.#batch = []
    this.#unsent++
    this.#link.stream.write(pieces, () => {
      this.#unsent--
      for (const request of batch) {
        request.sent = true
        if (request.answered && !this.#ended) this.#settle(request)
      }
    })
  }

  readonly #find = (cookie: number): NbdRequest | undefined => {
    const request = this.#waiting.get(cookie)
    return request?.answered ? undefined : request
  }

  readonly #answered = (request: NbdRequest): void => {
    this.#heardAt = this.#options.clock.now()
    if (request.error instanceof ServerShutdown) {
      this.#lose(request.error)
      return
    }
    request.answered = true
    // A server may answer before it has read everything; until then the system still reads the request's memory.
    if (request.sent) this.#settle(request)
  }

  #settle(request: NbdRequest): void {
    this.#waiting.delete(request.cookie)
    if (this.#waiting.size === 0) this.#endSilence()
    this.#events?.onAnswer(request)
  }

  #lose(reason: Error): void {
    if (this.#ended) return
    this.#end(reason, reason instanceof ServerShutdown)
    const error = XenError.is(reason) ? reason : new XenError('EIO', `the NBD connection broke: ${reason.message}`)
    this.#events?.onLost(this, error, reason instanceof BrokenProtocol)
  }

  #end(reason: Error, politely: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#endSilence()
    const { stream, feed } = this.#link
    feed.stop(reason)
    // What is not with the system yet may lie in memory that goes away.
    if (politely && this.#unsent === 0 && this.#pieces.length === 0) {
      stream.write([disconnectHeader()], () => undefined)
      stream.end()
    } else stream.destroy()
  }

  #watchSilence(): void {
    const { silenceMs, clock } = this.#options
    if (silenceMs === undefined || this.#silence !== undefined) return
    this.#heardAt = clock.now()
    const look = (): void => {
      const left = this.#heardAt + silenceMs - clock.now()
      if (left > 0) this.#silence = clock.setTimer(left, look)
      else this.#lose(new XenError('EIO', `the NBD server has answered nothing for ${silenceMs} ms`))
    }
    this.#silence = clock.setTimer(silenceMs, look)
  }

  #endSilence(): void {
    this.#silence?.cancel()
    this.#silence = undefined
  }
}
