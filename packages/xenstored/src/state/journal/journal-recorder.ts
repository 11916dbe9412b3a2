import type { Domid } from '@split-driver/abi'
import type { Client } from '../../client/client.js'
import type { DomainRecord } from '../../domains/domain-record.js'
import type { IntroducedDomain } from '../../domains/introduced-domain.js'
import type { QuotaName } from '../../quotas/quota-values.js'
import type { RingProgress } from '../../transport/kept-ring.js'
import type { StoreRecorder, Touched } from '../../tree/store.js'
import type { Tree } from '../../tree/tree.js'
import type { Change } from '../../tree/workspace.js'
import type { Watch } from '../../watches/watches.js'
import { savedQuotas } from '../save-domains.js'
import type { Journal } from './journal.js'
import type { JournalEntry } from './journal-entry.js'
import { emptyRing, type Introduction, introducedEntry, ringEntry, watchEntry } from './save-rings.js'
import { stepsOfChange, stepsOfCommit } from './steps.js'

/** Writes into a journal what happens to a server. */
export class JournalRecorder implements StoreRecorder {
  readonly #journal: Journal
  readonly #generation: () => number

  /** @param generation the last that was given out */
  constructor(journal: Journal, generation: () => number) {
    this.#journal = journal
    this.#generation = generation
  }

  change(before: Tree, change: Change): void {
    this.#append(stepsOfChange(before, change))
  }

  commit(after: Tree, touched: Touched): void {
    this.#append(stepsOfCommit(after, touched))
  }

  died(domid: Domid): void {
    this.#append([{ kind: 'DIED', domid }])
  }

  /** A domain that is new begins with this from now on; those that there are keep what they have. */
  defaultQuota(name: QuotaName, value: number, domains: Iterable<DomainRecord>): void {
    this.#append([{ kind: 'DEFAULT_QUOTAS', quotas: [{ name, value }], all: 0 }, ...[...domains].map(domainEntry)])
  }

  /** As `defaultQuota`, and those that there are have it, too. */
  everyQuota(name: QuotaName, value: number): void {
    this.#append([{ kind: 'DEFAULT_QUOTAS', quotas: [{ name, value }], all: 1 }])
  }

  /** The domain's quotas or features have been changed. */
  domain(record: DomainRecord): void {
    this.#append([domainEntry(record)])
  }

  introduced(domain: Introduction): void {
    this.#append([introducedEntry(domain)])
  }

  /** The domain has begun anew by itself. */
  reconnected({ domid }: Client, progress: RingProgress): void {
    this.#append([{ kind: 'UNWATCH_ALL', domid }, emptyRing(domid, progress)])
  }

  watched({ domid }: Client, watch: Watch): void {
    this.#append([watchEntry(domid, watch)])
  }

  unwatched({ domid }: Client, watch: Watch): void {
    this.#append([{ kind: 'UNWATCH', domid, path: watch.shown(watch.path), token: watch.token }])
  }

  unwatchedAll({ domid }: Client): void {
    this.#append([{ kind: 'UNWATCH_ALL', domid }])
  }

  target(domid: Domid, target: Domid): void {
    this.#append([{ kind: 'TARGET', domid, target }])
  }

  shutDown({ record: { domid }, isShutDown }: IntroducedDomain): void {
    this.#append([{ kind: 'SHUTDOWN', domid, shutDown: isShutDown ? 1 : 0 }])
  }

  ring(client: Client, progress: RingProgress): void {
    this.#append([ringEntry(client, progress)])
  }

  /** The change that is being recorded is yet to get its generation. */
  #append(entries: readonly JournalEntry[]): void {
    this.#journal.append({ entries, generation: this.#generation() + 1 })
  }
}

const domainEntry = ({ domid, features, account }: DomainRecord): JournalEntry => ({
  kind: 'DOMAIN',
  domid,
  features,
  quotas: savedQuotas(account.quotas),
})
