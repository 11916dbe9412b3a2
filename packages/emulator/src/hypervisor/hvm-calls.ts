import { type Domid, HvmParam, XenError } from '@split-driver/abi'
import { memoryMap } from '../building/memory-map.js'
import type { Hypervisor } from './hypervisor.js'
import { domainRecord } from './machine-layout.js'

/** HYPERVISOR_hvm_op: the parameters by which a guest without start_info finds its rings. @see xen/include/public/hvm/params.h */
export class HvmCalls {
  readonly #xen: Hypervisor

  constructor(xen: Hypervisor) {
    this.#xen = xen
  }

  /** HVMOP_get_param. 0 where there is none: the control domain has no console. @throws XenError ESRCH; EINVAL; EPERM */
  getParam(caller: Domid, domid: Domid, index: HvmParam): number {
    const { domains } = this.#xen
    this.#xen.enter(caller)
    try {
      if (caller !== domid && !this.#xen.isPrivileged(caller))
        throw new XenError('EPERM', `domain ${caller} may not look into domain ${domid}`, { detail: { domid } })
      const record = domains.record(domid)
      const field = (name: keyof typeof domainRecord) => domains.get(record, domainRecord[name])
      const frame = (port: number, page: number) => (port === 0 ? 0 : field('memory') + page)
      switch (index) {
        case HvmParam.StorePfn:
          return frame(field('storePort'), memoryMap.store)
        case HvmParam.StoreEvtchn:
          return field('storePort')
        case HvmParam.ConsolePfn:
          return frame(field('consolePort'), memoryMap.console)
        case HvmParam.ConsoleEvtchn:
          return field('consolePort')
        default:
          throw new XenError('EINVAL', `the machine keeps no parameter ${index}`, { detail: { index } })
      }
    } finally {
      this.#xen.leave()
    }
  }
}
