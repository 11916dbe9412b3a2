import { domainPath, isSpecialPath, okBody, toText, type WireError, XenStoreServerFeature } from '@split-driver/xenbus'
import { watchBytes } from '../watches/client-watches.js'
import type { WatchOptions } from '../watches/watches.js'
import { decimal, stringsOf, watchPath } from './arguments.js'
import type { Exchange, Handler } from './exchange.js'

/** What a WATCH asks for. @returns the error, if it is no valid one */
const parseWatch = ({ client, body }: Exchange): WatchOptions | WireError => {
  const [pathBytes, token, depthBytes, ...others] = stringsOf(body)
  const given = pathBytes && toText(pathBytes)
  const path = watchPath(client, given)
  if (given === undefined || path === undefined || token === undefined || others.length > 0) return 'EINVAL'
  const depth = depthBytes && decimal(depthBytes)
  const mayLimit = (client.caller.domain.features & XenStoreServerFeature.WatchDepth) !== 0
  if (depth !== undefined && (Number.isNaN(depth) || !mayLimit)) return 'EINVAL'
  const relative = !given.startsWith('/') && !isSpecialPath(given)
  return { path, token: token.slice(), base: relative ? domainPath(client.domid) : undefined, depth }
}

/** The OK comes first, then one event, be the node there or not (rule 44). */
export const watch: Handler = (exchange) => {
  const { client, host, respond } = exchange
  const options = parseWatch(exchange)
  if (typeof options === 'string') return options
  const { path, token } = options
  if (client.watches.has(path, token)) return 'EEXIST'
  const { privileged, domain } = client.caller
  if (!privileged && !domain.account.hasRoom('watches')) return 'E2BIG'
  if (!privileged && !domain.account.hasMemory(watchBytes(path, token))) return 'ENOMEM'
  const registered = client.watches.add(options)
  if (client.isKept) host.recorder?.watched(client, registered)
  respond(okBody())
  client.deliver(registered, path)
  return undefined
}

/** A path that none can be watched by is missing like any other: both originals look for it as it is. */
export const unwatch: Handler = ({ client, host, body, respond }) => {
  const [pathBytes, token, ...others] = stringsOf(body)
  if (pathBytes === undefined || token === undefined || others.length > 0) return 'EINVAL'
  const path = watchPath(client, toText(pathBytes))
  const watch = path === undefined ? undefined : client.watches.remove(path, token)
  if (watch === undefined) return 'ENOENT'
  if (client.isKept) host.recorder?.unwatched(client, watch)
  respond(okBody())
  return undefined
}

/** Ends the client's transactions, too (rule 53). */
export const resetWatches: Handler = ({ client, host, respond }) => {
  client.watches.clear()
  client.transactions.clear()
  if (client.isKept) host.recorder?.unwatchedAll(client)
  respond(okBody())
  return undefined
}
