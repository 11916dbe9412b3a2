import type { Domid, Port, SharedMemory } from '@split-driver/abi'
import type { DomainStates } from '@split-driver/platform'
import type { ControlCommand } from './control/control-command.js'
import type { ServerConsole } from './control/server-console.js'
import type { XenstoreLimits } from './quotas/limits.js'
import type { QuotaValues } from './quotas/quota-values.js'
import type { ServerObserver } from './server-observer.js'
import type { Journal } from './state/journal/journal.js'
import type { ResumeOptions } from './state/restore-server.js'

export interface XenstoreServerOptions {
  /** What differs from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<XenstoreLimits>
  /** What differs from `DEFAULT_QUOTAS`, for domains that have none of their own. */
  readonly quotas?: Partial<QuotaValues>
  /** Is told of every request, reply and event. */
  readonly observer?: ServerObserver
  /** Where CONTROL's `log`, `memreport` and `print` write; without it they are unknown. */
  readonly console?: ServerConsole
  /** A file, opened by the console, to which requests and replies are logged from the beginning; CONTROL's `log` ends that. */
  readonly traceFile?: string
  /** What else CONTROL may ask. */
  readonly commands?: readonly ControlCommand[]
  /** The control domain, which may do everything; domain 0 unless given. */
  readonly controlDomid?: Domid
  /**
   * The control domain's own ring page and its end of the event channel, where they are no grant's and nobody introduces
   * them: dom0's kernel waits for them to be served. The page stays its owner's.
   */
  readonly controlRing?: { readonly page: SharedMemory; readonly port: Port }
  /** Whom to ask when domains end, by VIRQ_DOM_EXC. Without it, RELEASE alone tells of a domain's end. */
  readonly domainStates?: DomainStates
  /** Another server's state, to go on with. */
  readonly resume?: ResumeOptions
  /** Where all that happens to the store is written down, and what there was before. */
  readonly journal?: Journal
}
