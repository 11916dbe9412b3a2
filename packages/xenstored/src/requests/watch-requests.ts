import { domainPath, isSpecialPath, okBody, toText } from '@split-driver/xenbus'
import { watchBytes } from '../watches/client-watches.js'
import { stringsOf, watchPath } from './arguments.js'
import type { Handler } from './exchange.js'

/** The OK comes first, then one event, be the node there or not (rule 44). */
export const watch: Handler = ({ client, body, respond }) => {
  const [pathBytes, token, ...others] = stringsOf(body)
  const given = pathBytes && toText(pathBytes)
  const path = watchPath(client, given)
  if (given === undefined || path === undefined || token === undefined || others.length > 0) return 'EINVAL'
  if (client.watches.has(path, token)) return 'EEXIST'
  const { privileged, domain } = client.caller
  if (!privileged && !domain.account.hasRoom('watches')) return 'E2BIG'
  if (!privileged && !domain.account.hasMemory(watchBytes(path, token))) return 'ENOMEM'
  const relative = !given.startsWith('/') && !isSpecialPath(given)
  const registered = client.watches.add(path, token.slice(), relative ? domainPath(client.domid) : undefined)
  respond(okBody())
  client.deliver(registered, path)
  return undefined
}

export const unwatch: Handler = ({ client, body, respond }) => {
  const [pathBytes, token, ...others] = stringsOf(body)
  const path = watchPath(client, pathBytes && toText(pathBytes))
  if (path === undefined || token === undefined || others.length > 0) return 'EINVAL'
  if (!client.watches.remove(path, token)) return 'ENOENT'
  respond(okBody())
  return undefined
}

/** Ends the client's transactions, too (rule 53). */
export const resetWatches: Handler = ({ client, respond }) => {
  client.watches.clear()
  client.transactions.clear()
  respond(okBody())
  return undefined
}
