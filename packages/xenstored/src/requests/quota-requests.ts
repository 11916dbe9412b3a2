import { okBody, packStrings, toText, type WireError } from '@split-driver/xenbus'
import { QUOTA_NAMES, type QuotaValues, quotaNameOf } from '../quotas/quota-values.js'
import type { StoreHost } from '../store-host.js'
import { decimal, domidOf, stringsOf } from './arguments.js'
import type { Handler } from './exchange.js'

/** 32 bits with all of them set stand for "there is no such quota" in the original. */
const QUOTA_LIMIT = 2 ** 32 - 1

/** The values of one domain; or, if none is named, what domains that are new begin with. */
const valuesOf = (host: StoreHost, domid: Uint8Array | undefined): QuotaValues | WireError => {
  if (domid === undefined) return host.quotas.defaults
  const number = domidOf(domid)
  if (number === undefined) return 'EINVAL'
  return host.records.find(number)?.account.quotas ?? 'ENOENT'
}

/** Without a name: all names. One empty string is none. */
export const getQuota: Handler = ({ host, body, respond }) => {
  const strings = stringsOf(body)
  if (strings.length > 2) return 'EINVAL'
  const name = strings.at(-1)
  if (name === undefined || (name.length === 0 && strings.length === 1)) {
    respond(packStrings(QUOTA_NAMES.join(' ')))
    return undefined
  }
  const values = valuesOf(host, strings.length === 2 ? strings[0] : undefined)
  if (typeof values === 'string') return values
  const quota = quotaNameOf(toText(name))
  if (quota === undefined) return 'EINVAL'
  respond(packStrings(String(values[quota])))
  return undefined
}

export const setQuota: Handler = ({ host, body, respond }) => {
  const strings = stringsOf(body)
  if (strings.length < 2 || strings.length > 3) return 'EINVAL'
  const values = valuesOf(host, strings.length === 3 ? strings[0] : undefined)
  if (typeof values === 'string') return values
  const [name, valueBytes] = strings.slice(-2) as [Uint8Array, Uint8Array]
  const quota = quotaNameOf(toText(name))
  const value = decimal(valueBytes)
  if (quota === undefined || !(value < QUOTA_LIMIT)) return 'EINVAL'
  values[quota] = value
  if (strings.length === 3) host.recorder?.domain(host.records.of(domidOf(strings[0])!))
  else host.recorder?.defaultQuota(quota, value, host.records.all())
  respond(okBody())
  return undefined
}
