import { XenError } from '@split-driver/abi'
import { packStrings, unpackTexts } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import type { XenStoreOperations } from '../xenstore.js'
import type { Connection } from './connection.js'
import { StoreOperations } from './store-operations.js'

/** How often a transaction is tried before its EAGAIN is passed on. */
export const TRANSACTION_TRIES = 100

const SUBJECT = { operation: 'transaction' }

const start = async (connection: Connection): Promise<number> => {
  const reply = unpackTexts(await connection.request(XenStoreOp.TransactionStart, 0, packStrings(''), SUBJECT))
  const txId = Number(reply?.[0] || Number.NaN)
  if (Number.isInteger(txId) && txId > 0 && txId <= 0xffff_ffff) return txId
  throw new XenError('EPROTO', `"${reply?.[0]}" is no transaction`, { detail: SUBJECT })
}

const finish = async (connection: Connection, txId: number, commit: 'T' | 'F'): Promise<void> => {
  await connection.request(XenStoreOp.TransactionEnd, txId, packStrings(commit), SUBJECT)
}

/** One try. @throws what `body` threw, once the transaction is aborted; XenError EAGAIN if the commit met a conflict */
const attempt = async <T>(
  connection: Connection,
  body: (transaction: XenStoreOperations) => Promise<T>,
): Promise<{ readonly result: T } | undefined> => {
  const txId = await start(connection)
  const operations = new StoreOperations(connection, txId)
  let result: T
  try {
    result = await body(operations)
  } catch (error) {
    operations.end()
    await finish(connection, txId, 'F').catch(() => undefined)
    throw error
  }
  operations.end()
  try {
    await finish(connection, txId, 'T')
    return { result }
  } catch (error) {
    if (XenError.is(error, 'EAGAIN')) return undefined
    throw error
  }
}

/** @throws XenError EAGAIN after 100 tries that each met another's write */
export const runTransaction = async <T>(
  connection: Connection,
  body: (transaction: XenStoreOperations) => Promise<T>,
): Promise<T> => {
  for (let tries = 0; tries < TRANSACTION_TRIES; tries++) {
    const done = await attempt(connection, body)
    if (done) return done.result
  }
  const detail = { ...SUBJECT, tries: TRANSACTION_TRIES }
  throw new XenError('EAGAIN', `transaction: a conflict on each of ${TRANSACTION_TRIES} tries`, { detail })
}
