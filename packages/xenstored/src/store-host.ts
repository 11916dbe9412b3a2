import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import type { Clients } from './client/clients.js'
import type { Holds } from './client/holds.js'
import type { SendBuffer } from './client/send-buffer.js'
import type { ControlCommand } from './control/control-command.js'
import type { DomainRecords } from './domains/domain-record.js'
import type { XenstoreLimits } from './quotas/limits.js'
import type { Quotas } from './quotas/quotas.js'
import type { Observers } from './server-observer.js'
import type { Journal } from './state/journal/journal.js'
import type { JournalRecorder } from './state/journal/journal-recorder.js'
import type { OpenTransactions } from './transactions/open-transactions.js'
import type { Store } from './tree/store.js'
import type { Watches } from './watches/watches.js'

/** What the control domain may ask about domains. */
export interface DomainControl {
  /**
   * Serves the domain through its ring page, grant reference 1, and its event channel; begins anew if it did already.
   * @param frame of the ring page; grants make it superfluous
   * @throws XenError GNTST_* if the page cannot be mapped, EINVAL ENOSPC if the port cannot be bound
   */
  introduce(domid: Domid, frame: FrameNumber, port: Port): void
  /**
   * The domain is gone, and so is all that it had here (rule 53).
   * @throws XenError ENOENT if it was not introduced; EINVAL for the control domain
   */
  release(domid: Domid): void
  isIntroduced(domid: Domid): boolean
  /**
   * The domain runs again after it had shut down.
   * @throws XenError ENOENT if it was not introduced; EINVAL for the control domain
   */
  resume(domid: Domid): void
}

/** What all clients share. */
export interface StoreHost {
  readonly store: Store
  readonly watches: Watches
  readonly transactions: OpenTransactions
  readonly records: DomainRecords
  readonly clients: Clients
  readonly observers: Observers
  readonly holds: Holds
  /** What CONTROL may ask, by name. */
  readonly commands: ReadonlyMap<string, ControlCommand>
  readonly sendBuffer: SendBuffer
  readonly quotas: Quotas
  readonly limits: XenstoreLimits
  readonly domains: DomainControl
  /** Where all that happens is written down before anybody is told; nothing is if there is none. */
  readonly journal: Journal | undefined
  readonly recorder: JournalRecorder | undefined
}
