import { NbdRequest } from './nbd-request.js'
import type { NbdSession } from './nbd-session.js'
import { CommandFlag, NbdCommand } from './protocol.js'
import type { KeptWrite } from './unflushed-writes.js'

/** Writes that are under way at once. */
const DEPTH = 32

/**
 * Repeats acknowledged changes over a new connection. What overlaps goes one after the other, as it did the first time.
 * @throws XenError if the server refuses one, or is gone again
 */
export const writeAnew = async (session: NbdSession, writes: Iterable<KeptWrite>): Promise<void> => {
  let underWay: { readonly write: KeptWrite; readonly done: Promise<void> }[] = []
  for (const write of writes) {
    if (underWay.length === DEPTH || underWay.some((other) => overlap(other.write, write))) {
      await Promise.all(underWay.map(({ done }) => done))
      underWay = []
    }
    underWay.push({ write, done: repeat(session, write) })
  }
  await Promise.all(underWay.map(({ done }) => done))
}

const overlap = (a: KeptWrite, b: KeptWrite): boolean =>
  a.position < b.position + b.byteLength && b.position < a.position + a.byteLength

const repeat = (session: NbdSession, { position, byteLength, bytes }: KeptWrite): Promise<void> =>
  new Promise((resolve, reject) => {
    const onDone = (error?: Error): void => (error ? reject(error) : resolve())
    session.send(
      bytes === undefined
        ? new NbdRequest(NbdCommand.WriteZeroes, CommandFlag.NoHole, position, byteLength, [], onDone)
        : new NbdRequest(NbdCommand.Write, 0, position, byteLength, [bytes], onDone),
    )
  })
