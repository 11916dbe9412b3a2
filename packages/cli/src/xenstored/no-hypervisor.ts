import { XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'

const refuse = (): never => {
  throw new XenError('ENODEV', 'this machine does not run under Xen: it has no domains')
}

/** A machine without domains, as any Linux is: XenStore is served at its socket alone, and INTRODUCE is refused. */
export const NO_HYPERVISOR: Pick<Platform, 'events' | 'mapper'> = {
  events: {
    bindUnboundPort: refuse,
    bindInterdomain: refuse,
    bindVirq: refuse,
    bindIpi: refuse,
    notify: refuse,
    listen: refuse,
    eoi: refuse,
    mask: refuse,
    unmask: refuse,
    unbind: refuse,
  },
  mapper: { map: refuse, unmap: refuse, copyFrom: refuse, copyTo: refuse },
}
