import { okBody, packStrings } from '@split-driver/xenbus'
import { OFFERED_FEATURES } from '../domains/domain-record.js'
import { decimal, domidOf, stringsOf } from './arguments.js'
import type { Handler } from './exchange.js'

/** Without a domid: what the caller itself is offered. One empty string is none. */
export const getFeature: Handler = ({ client, host, body, respond }) => {
  const [domidBytes, ...others] = stringsOf(body)
  if (domidBytes === undefined || (domidBytes.length === 0 && others.length === 0)) {
    respond(packStrings(String(client.caller.domain.features)))
    return undefined
  }
  if (!client.caller.privileged) return 'EACCES'
  const domid = domidOf(domidBytes)
  if (domid === undefined || others.length > 0) return 'EINVAL'
  const record = host.records.find(domid)
  if (record === undefined) return 'ENOENT'
  respond(packStrings(String(record.features)))
  return undefined
}

/** The domain reads them from its ring page, where they never change (rule 53). */
export const setFeature: Handler = ({ host, body, respond }) => {
  const [domidBytes, featureBytes, ...others] = stringsOf(body)
  const domid = domidOf(domidBytes)
  const features = decimal(featureBytes)
  if (domid === undefined || Number.isNaN(features) || others.length > 0) return 'EINVAL'
  const record = host.records.find(domid)
  if (record === undefined) return 'ENOENT'
  if (host.domains.isIntroduced(domid)) return 'EBUSY'
  if ((features & ~OFFERED_FEATURES) !== 0 || features > OFFERED_FEATURES) return 'EINVAL'
  record.features = features
  host.recorder?.domain(record)
  respond(okBody())
  return undefined
}
