import { type DomainRecord, OFFERED_FEATURES } from '../domains/domain-record.js'
import { QUOTA_NAMES, type QuotaName, type QuotaValues } from '../quotas/quota-values.js'
import type { StoreHost } from '../store-host.js'
import type { QuotaValue } from './stream/quota-values.js'
import type { StateRecord } from './stream/records.js'

export const savedQuotas = (quotas: QuotaValues, names: readonly QuotaName[] = QUOTA_NAMES): QuotaValue[] =>
  names.map((name) => ({ name, value: quotas[name] }))

/**
 * Quotas and features as far as they are not what a server begins with anyhow, so that other options can be given to the
 * next, and what was set by request holds nevertheless.
 */
export function* saveChangedDomains({
  quotas,
  records,
}: Pick<StoreHost, 'quotas' | 'records'>): Generator<StateRecord> {
  const { defaults, given } = quotas
  const changed = QUOTA_NAMES.filter((name) => defaults[name] !== given[name])
  if (changed.length > 0) yield { kind: 'GLOBAL_QUOTA_DATA', perDomain: savedQuotas(defaults, changed), global: [] }
  const domains = [...records.all()].sort((a, b) => a.domid - b.domid)
  for (const record of domains) if (isChanged(record, defaults)) yield domainData(record)
}

const isChanged = ({ features, account }: DomainRecord, defaults: QuotaValues): boolean =>
  features !== OFFERED_FEATURES || QUOTA_NAMES.some((name) => account.quotas[name] !== defaults[name])

const domainData = ({ domid, features, account }: DomainRecord): StateRecord => ({
  kind: 'DOMAIN_DATA',
  domid,
  features,
  quotas: savedQuotas(account.quotas),
})
