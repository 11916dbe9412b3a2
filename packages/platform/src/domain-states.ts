import type { Domid } from '@split-driver/abi'

/** What the machine says of a domain: it runs (or is paused), it has shut down and is kept, or it is being destroyed. */
export type DomainState = 'running' | 'shutdown' | 'dying'

/**
 * What a privileged domain may ask about all domains. A XenStore server looks here whenever VIRQ_DOM_EXC says that some
 * domain stopped or went, and for nothing else.
 */
export interface DomainStates {
  /** `undefined`: there is no such domain, or none any more. */
  stateOf(domid: Domid): DomainState | undefined
  /** Tells this life of a domid from another; `undefined` if there is no such domain. Not every machine tells. */
  uuidOf?(domid: Domid): string | undefined
}
