import { DOM0, type Domid } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import { Clients } from './client/clients.js'
import { Holds } from './client/holds.js'
import { SendBuffer } from './client/send-buffer.js'
import { controlCommands } from './control/control-commands.js'
import { DomainRecords } from './domains/domain-record.js'
import type { IntroducedDomain } from './domains/introduced-domain.js'
import { DEFAULT_LIMITS } from './quotas/limits.js'
import type { MemoryLevel } from './quotas/memory-alarm.js'
import { Quotas } from './quotas/quotas.js'
import { Observers } from './server-observer.js'
import { JournalRecorder } from './state/journal/journal-recorder.js'
import { saveRings } from './state/journal/save-rings.js'
import { type RestoredDomains, restoreDomainRecords, restoreDomains } from './state/restore-domains.js'
import { restoreSavedTree, restoreTree } from './state/restore-tree.js'
import { saveChangedDomains } from './state/save-domains.js'
import { saveNodes } from './state/save-nodes.js'
import { LATEST_VERSION } from './state/stream/records.js'
import { NumberedTrees, nodesOf } from './state/tree-numbers.js'
import type { DomainControl, StoreHost } from './store-host.js'
import { OpenTransactions } from './transactions/open-transactions.js'
import { initialTree } from './tree/initial-tree.js'
import { ObservedChanges } from './tree/observed-changes.js'
import { type ChangeListener, Store } from './tree/store.js'
import type { Tree, TreeNode } from './tree/tree.js'
import { Watches } from './watches/watches.js'
import type { XenstoreServerOptions } from './xenstore-server-options.js'

export interface StoreHostOptions {
  readonly options: XenstoreServerOptions
  readonly clock: Clock | undefined
  readonly onMemory: (domid: Domid, level: MemoryLevel) => void
  readonly domains: DomainControl
}

/** What a server begins with: the store, fresh or as its journal has it, and nobody who is connected. */
export interface NewStoreHost {
  readonly host: StoreHost
  /** Of the state that is resumed. */
  readonly trees: NumberedTrees | undefined
}

export const newStoreHost = ({ options, clock, onMemory, domains }: StoreHostOptions): NewStoreHost => {
  const { controlDomid = DOM0, domainStates, journal } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const observers = new Observers()
  if (options.observer) observers.add(options.observer)
  const now = clock && (() => clock.now())
  const quotas = new Quotas({ defaults: options.quotas, controlDomid, now, onMemory, observers })
  const records = new DomainRecords(quotas, domainStates && ((domid) => domainStates.stateOf(domid) !== undefined))
  const watches = new Watches()
  const transactions = new OpenTransactions(limits)
  const onChange: ChangeListener = (events, before, after) => {
    watches.fire(events, before, after)
    transactions.leaveBehindTheOldest()
  }
  const recorder: JournalRecorder | undefined = journal && new JournalRecorder(journal, (): number => store.generation)
  const changes = new ObservedChanges(observers)
  const recorders = recorder === undefined ? [changes] : [recorder, changes]
  const state = options.resume?.state
  if (state) restoreDomains(state, { quotas, records })
  const { tree, nodes = [], generation } = beginning(options, { quotas, records }, controlDomid)
  const store: Store = new Store(tree, onChange, { generation, recorders })
  const trees = state && new NumberedTrees(tree, nodes, nodesOf(state.supplement), records)
  const clients = new Clients()
  const commands = controlCommands({ ...options, observers, more: options.commands })
  const connected = {
    holds: new Holds(clients, observers, clock),
    watches,
    transactions,
    clients,
    observers,
    sendBuffer: new SendBuffer(),
  }
  return { host: { store, ...connected, records, commands, quotas, limits, domains, journal, recorder }, trees }
}

/** A journal that has everything up to now, and goes on from there. */
export const beginJournal = (host: StoreHost, introduced: Iterable<IntroducedDomain>): void => {
  const { journal, store } = host
  journal?.begin(() => ({
    records: [...saveChangedDomains(host), ...saveNodes(store.tree)],
    entries: saveRings(introduced),
    generation: store.generation,
  }))
}

interface Beginning {
  readonly tree: Tree
  readonly nodes?: readonly TreeNode[]
  readonly generation: number
}

/** What was saved goes before what a journal has: it is the same, and more of it. */
const beginning = ({ resume, journal }: XenstoreServerOptions, host: RestoredDomains, control: Domid): Beginning => {
  const { records } = host
  if (resume !== undefined) return restoreSavedTree(resume.state, records)
  if (journal?.found) {
    restoreDomainRecords(journal.found.records, LATEST_VERSION, host)
    return { tree: restoreTree(journal.found, host), generation: journal.found.generation }
  }
  return { tree: initialTree(records.of(control)), generation: 0 }
}
