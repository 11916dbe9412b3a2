import { XenError } from '@split-driver/abi'
import type { TransactionOptions, XenStoreOperations } from '../xenstore.js'
import type { BackOff } from './back-off.js'
import type { Session } from './session.js'
import { Transaction } from './transaction.js'

/** How often a transaction is tried, unless said otherwise, before its EAGAIN is passed on. */
export const TRANSACTION_TRIES = 100

type Body<T> = (transaction: XenStoreOperations) => Promise<T>

/** One try. @returns nothing if it met a conflict, or its connection ended @throws what `body` threw, once it is aborted */
const attempt = async <T>(
  session: Session,
  body: Body<T>,
  signal: AbortSignal | undefined,
): Promise<{ readonly result: T } | undefined> => {
  const transaction = await Transaction.start(session, signal)
  let result: T
  try {
    signal?.throwIfAborted()
    result = await session.listeners.untilAborted(body(transaction.operations), signal)
  } catch (error) {
    await transaction.abort()
    if (transaction.isLost && XenError.is(error, 'EAGAIN')) return undefined
    throw error
  }
  try {
    await transaction.commit()
    return { result }
  } catch (error) {
    if (XenError.is(error, 'EAGAIN')) return undefined
    throw error
  }
}

/** @throws XenError EAGAIN after as many tries that each met another's write; RangeError fewer than one try */
export const runTransaction = async <T>(
  session: Session,
  body: Body<T>,
  backOff: BackOff,
  { signal, tries = TRANSACTION_TRIES }: TransactionOptions = {},
): Promise<T> => {
  if (!(tries >= 1)) throw new RangeError(`a transaction is tried at least once, not ${tries} times`)
  for (let round = 0; ; round++) {
    const done = await attempt(session, body, signal)
    if (done) return done.result
    if (round + 1 >= tries) break
    await backOff.wait(round, signal)
  }
  const detail = { operation: 'transaction', tries }
  throw new XenError('EAGAIN', `transaction: a conflict on each of ${tries} tries`, { detail })
}
