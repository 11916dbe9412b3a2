import type { Domid } from '@split-driver/abi'

/** Directory that holds every domain's home. */
export const DOMAINS_PATH = '/local/domain'

/** XenStore's own events: a domain has come, a domain has gone. */
export const INTRODUCE_DOMAIN = '@introduceDomain'
export const RELEASE_DOMAIN = '@releaseDomain'

/** Directory of a domain's primary console, in XenStore as the control domain sees it. */
export const primaryConsolePath = (domid: Domid): string => `${DOMAINS_PATH}/${domid}/console`

/** Keys of the primary console's directory that the backend reads (rule 59). The control domain's toolstack writes them. */
export const CONSOLE_KEYS = {
  /** The guest's event channel port, decimal. */
  port: 'port',
  /** The ring page's frame number, decimal; the page itself is reached by the reserved grant reference. */
  ringRef: 'ring-ref',
  /** Greatest number of bytes that the backend keeps of the output, decimal. */
  limit: 'limit',
  /** Which daemon serves this console; the one that speaks this protocol is `xenconsoled`. */
  type: 'type',
} as const

/** Value of `type` for a console that the control domain's console daemon serves. */
export const CONSOLE_TYPE = 'xenconsoled'
