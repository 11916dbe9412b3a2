import { okBody, packStrings } from '@split-driver/xenbus'
import { onlyString } from './arguments.js'
import type { Handler } from './exchange.js'

export const transactionStart: Handler = ({ client, txId, respond }) => {
  if (txId !== 0) return 'EBUSY'
  const { privileged, domain } = client.caller
  if (!privileged && !domain.account.hasRoom('transactions')) return 'ENOSPC'
  respond(packStrings(String(client.transactions.start())))
  return undefined
}

/** The transaction is over whatever comes of it. */
export const transactionEnd: Handler = ({ client, host, txId, body, respond }) => {
  const answer = onlyString(body)
  if (answer !== 'T' && answer !== 'F') return 'EINVAL'
  const refusal = answer === 'T' ? host.journal?.refusal : undefined
  const transaction = client.transactions.end(txId)
  if (transaction === undefined) return 'ENOENT'
  const error = refusal ?? (answer === 'T' ? transaction.commit() : undefined)
  if (error === undefined) respond(okBody())
  else host.holds.blame(client.caller, transaction.rival, host.holds.now() - transaction.startedAt)
  return error
}
