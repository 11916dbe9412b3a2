import {
  formatPermission,
  okBody,
  packStrings,
  parsePermission,
  toText,
  unpackStringAndRest,
  type WireError,
} from '@split-driver/xenbus'
import { findNode, listNode, makeNode, permitNode, removeNode, writeNode } from '../tree/node-operations.js'
import { Access, livingPermissions, resolvePermissions } from '../tree/permissions.js'
import { decimal, nodePath, onlyString, stringsOf, watchPath } from './arguments.js'
import type { Exchange, Handler } from './exchange.js'
import { listingBody, listingPartBody } from './listing.js'

/** Answers OK, or with the error that there is. */
const acknowledge = (exchange: Exchange, error: WireError | undefined): WireError | undefined => {
  if (error === undefined) exchange.respond(okBody())
  return error
}

export const read: Handler = (exchange) => {
  const path = nodePath(exchange.client, onlyString(exchange.body))
  if (path === undefined) return 'EINVAL'
  const node = findNode(exchange.work, path, Access.Read)
  if (typeof node === 'string') return node
  exchange.respond(node.value)
  return undefined
}

/** The value is the rest of the body, with no NUL to end it (rule 41). */
export const write: Handler = (exchange) => {
  const parts = unpackStringAndRest(exchange.body)
  const path = nodePath(exchange.client, parts && toText(parts.string))
  if (parts === undefined || path === undefined) return 'EINVAL'
  return acknowledge(exchange, writeNode(exchange.work, path, parts.rest.slice()))
}

export const mkdir: Handler = (exchange) => {
  const path = nodePath(exchange.client, onlyString(exchange.body))
  return path === undefined ? 'EINVAL' : acknowledge(exchange, makeNode(exchange.work, path))
}

export const rm: Handler = (exchange) => {
  const path = nodePath(exchange.client, onlyString(exchange.body))
  return path === undefined ? 'EINVAL' : acknowledge(exchange, removeNode(exchange.work, path))
}

export const directory: Handler = (exchange) => {
  const path = nodePath(exchange.client, onlyString(exchange.body))
  if (path === undefined) return 'EINVAL'
  const node = listNode(exchange.work, path)
  if (typeof node === 'string') return node
  const body = listingBody(node)
  if (body === undefined) return 'E2BIG'
  exchange.respond(body)
  return undefined
}

export const directoryPart: Handler = (exchange) => {
  const [pathBytes, offsetBytes, ...others] = stringsOf(exchange.body)
  const path = nodePath(exchange.client, pathBytes && toText(pathBytes))
  const offset = decimal(offsetBytes)
  if (path === undefined || Number.isNaN(offset) || others.length > 0) return 'EINVAL'
  const node = listNode(exchange.work, path)
  if (typeof node === 'string') return node
  exchange.respond(listingPartBody(node, offset))
  return undefined
}

export const getPerms: Handler = (exchange) => {
  const path = watchPath(exchange.client, onlyString(exchange.body))
  if (path === undefined) return 'EINVAL'
  const node = findNode(exchange.work, path, Access.Read)
  if (typeof node === 'string') return node
  exchange.respond(packStrings(...livingPermissions(node.permissions).map(formatPermission)))
  return undefined
}

export const setPerms: Handler = (exchange) => {
  const [pathBytes, ...texts] = stringsOf(exchange.body).map(toText)
  if (texts.length === 0) return 'EINVAL'
  const { privileged, domain } = exchange.work.caller
  if (!privileged && !domain.account.allows('node-permissions', texts.length)) return 'ENOSPC'
  const parsed = texts.flatMap((text) => parsePermission(text) ?? [])
  if (parsed.length < texts.length) return 'EINVAL'
  const permissions = resolvePermissions(parsed, exchange.host.records, privileged)
  if (typeof permissions === 'string') return permissions
  const path = watchPath(exchange.client, pathBytes)
  if (path === undefined) return 'EINVAL'
  return acknowledge(exchange, permitNode(exchange.work, path, permissions))
}
