import { XenError } from '@split-driver/abi'
import type { EventClock } from '@split-driver/evtchn'
import { ByteFeed, type Parser } from './byte-feed.js'
import type { ByteStream, Dial } from './byte-stream.js'
import { abortOption, askForTls, type Greeting, greet, type Send } from './handshake.js'

/** Which export of which server, and how it is reached. */
export interface NbdTarget {
  readonly dial: Dial
  /** The server's default export unless given. */
  readonly exportName?: string
  /** Everything beyond the greeting is encrypted, or there is no connection. */
  readonly tls?: boolean
}

export interface ConnectOptions {
  readonly clock: EventClock
  /** Until an export is entered, or told about. */
  readonly connectMs: number
}

/** A connection whose handshake is done, for whoever goes on with it. */
export interface NbdLink<Result> {
  readonly result: Result
  readonly stream: ByteStream
  readonly feed: ByteFeed
  /** Set it at once: no more will come. */
  onEnded: (reason: Error) => void
}

/**
 * Connects and shakes hands.
 * @param negotiate what is asked for after the greeting
 * @throws XenError saying why it cannot be had; nothing stays open then
 */
export const openLink = async <Result>(
  { dial, tls = false }: NbdTarget,
  { clock, connectMs }: ConnectOptions,
  negotiate: (send: Send, greeting: Greeting) => Parser<Result>,
): Promise<NbdLink<Result>> => {
  let stream: ByteStream | undefined
  let late: XenError | undefined
  const feed = new ByteFeed((reason) => link.onEnded(reason))
  const link = { onEnded: (_reason: Error): void => undefined }
  const send: Send = (bytes) => stream?.write([bytes], () => undefined)
  const connect = async (): Promise<NbdLink<Result>> => {
    stream = await dial(feed)
    if (late) throw late
    const greeting = await feed.run(greet(send))
    if (tls) {
      await feed.run(askForTls(send, greeting))
      // What came unencrypted behind the answer anybody may have put there.
      feed.assertOpen()
      await stream.startTls()
    }
    const result = await feed.run(negotiate(send, greeting))
    return Object.assign(link, { result, stream, feed })
  }
  let cancel = (): void => undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    const timer = clock.setTimer(connectMs, () => {
      late = new XenError('EIO', `the NBD server did not finish its handshake within ${connectMs} ms`)
      reject(late)
    })
    cancel = () => timer.cancel()
  })
  const connected = connect()
  try {
    return await Promise.race([connected, tooLate])
  } catch (error) {
    feed.stop(error as Error)
    // Dialling may still go on.
    if (late) connected.catch(() => stream?.destroy())
    if (late || XenError.is(error, 'EPROTO', 'EIO')) stream?.destroy()
    else takeLeave(stream)
    throw error
  } finally {
    cancel()
  }
}

/** The server has refused, and waits for another option. */
const takeLeave = (stream: ByteStream | undefined): void => {
  stream?.write([abortOption()], () => undefined)
  stream?.end()
}
