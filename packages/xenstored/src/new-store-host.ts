import { DOM0, type Domid } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import { Clients } from './client/clients.js'
import { Holds } from './client/holds.js'
import { SendBuffer } from './client/send-buffer.js'
import { controlCommands } from './control/control-commands.js'
import { DomainRecords } from './domains/domain-record.js'
import { DEFAULT_LIMITS } from './quotas/limits.js'
import type { MemoryLevel } from './quotas/memory-alarm.js'
import { Quotas } from './quotas/quotas.js'
import { Observers } from './server-observer.js'
import { JournalRecorder } from './state/journal/journal-recorder.js'
import { restoreTree } from './state/restore-tree.js'
import { saveNodes } from './state/save-nodes.js'
import type { DomainControl, StoreHost } from './store-host.js'
import { OpenTransactions } from './transactions/open-transactions.js'
import { initialTree } from './tree/initial-tree.js'
import { type ChangeListener, Store } from './tree/store.js'
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
  readonly recorder: JournalRecorder | undefined
}

export const newStoreHost = ({ options, clock, onMemory, domains }: StoreHostOptions): NewStoreHost => {
  const { controlDomid = DOM0, domainStates, journal } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const quotas = new Quotas({ defaults: options.quotas, controlDomid, now: clock && (() => clock.now()), onMemory })
  const records = new DomainRecords(quotas, domainStates && ((domid) => domainStates.stateOf(domid) !== undefined))
  const watches = new Watches()
  const transactions = new OpenTransactions(limits)
  const onChange: ChangeListener = (events, before, after) => {
    watches.fire(events, before, after)
    transactions.leaveBehindTheOldest()
  }
  const recorder: JournalRecorder | undefined = journal && new JournalRecorder(journal, (): number => store.generation)
  const tree = journal?.found ? restoreTree(journal.found, records) : initialTree(records.of(controlDomid))
  const store: Store = new Store(tree, onChange, { generation: journal?.found?.generation ?? 0, recorder })
  const [clients, observers] = [new Clients(), new Observers()]
  if (options.observer) observers.add(options.observer)
  const commands = controlCommands({ console: options.console, observers, more: options.commands })
  journal?.begin(() => ({ records: saveNodes(store.tree), generation: store.generation }))
  const connected = {
    holds: new Holds(clients, clock),
    watches,
    transactions,
    clients,
    observers,
    sendBuffer: new SendBuffer(),
  }
  return { host: { store, ...connected, records, commands, quotas, limits, domains, journal }, recorder }
}
