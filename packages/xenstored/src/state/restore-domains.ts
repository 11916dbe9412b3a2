import type { Domid } from '@split-driver/abi'
import { type QuotaValues, quotaNameOf } from '../quotas/quota-values.js'
import type { StoreHost } from '../store-host.js'
import type { JournalEntry } from './journal/journal-entry.js'
import type { QuotaValue } from './stream/quota-values.js'
import type { StateRecord } from './stream/records.js'
import type { SavedState } from './supplement/saved-state.js'

export type RestoredDomains = Pick<StoreHost, 'quotas' | 'records'>

interface SavedDomain {
  readonly domid: number
  readonly features: number
  readonly quotas: readonly QuotaValue[]
}

/** Quotas and features, before anybody is connected. A domain's features are those that it was offered. */
export const restoreDomains = ({ stream, supplement }: SavedState, host: RestoredDomains): void => {
  restoreDomainRecords(stream.records, stream.version, host)
  for (const record of supplement) if (record.kind === 'DOMAIN') restoreDomain(record, host)
}

/** As `restoreDomains`, of the records of a stream of this version. */
export const restoreDomainRecords = (records: readonly StateRecord[], version: number, host: RestoredDomains): void => {
  for (const record of records) {
    if (record.kind === 'GLOBAL_QUOTA_DATA') setQuotas(host.quotas.defaults, record.perDomain)
    else if (record.kind === 'DOMAIN_DATA') {
      const { features } = host.records.of(record.domid as Domid)
      restoreDomain(version > 1 ? record : { ...record, features }, host)
    }
  }
}

/** What was set by request. */
export const restoreEntry = (
  entry: JournalEntry & { readonly kind: 'DEFAULT_QUOTAS' | 'DOMAIN' },
  host: RestoredDomains,
): void => {
  if (entry.kind === 'DOMAIN') {
    restoreDomain(entry, host)
    return
  }
  setQuotas(host.quotas.defaults, entry.quotas)
  if (entry.all === 1) for (const { account } of host.records.all()) setQuotas(account.quotas, entry.quotas)
}

const restoreDomain = ({ domid, features, quotas }: SavedDomain, { records }: RestoredDomains): void => {
  const domain = records.of(domid as Domid)
  setQuotas(domain.account.quotas, quotas)
  domain.features = features
}

/** Names that mean nothing here have no effect. @see docs/designs/xenstore-migration.md GLOBAL_QUOTA_DATA */
const setQuotas = (quotas: QuotaValues, saved: readonly QuotaValue[]): void => {
  for (const { name, value } of saved) {
    const known = quotaNameOf(name)
    if (known !== undefined) quotas[known] = value
  }
}
