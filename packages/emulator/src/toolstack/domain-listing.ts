import { DOM0, type Domid, PAGE_BYTES } from '@split-driver/abi'
import { DOMID_XEN } from '../hypervisor/hypervisor.js'
import type { Machine } from '../machine.js'
import type { DomainInfo, VcpuInfo } from './domain-lifecycle.js'
import type { KeptDomain } from './kept-domain.js'
import { reasonName } from './shutdown-policy.js'

const MIB = 1 << 20

/** The control domain's name, as xl prints it. */
export const CONTROL_DOMAIN_NAME = 'Domain-0'

/** How xl prints the name of a domain that only waits for others to let go of its pages. */
const NAMELESS = '(null)'

/** What a toolstack knows of a domain beside what the hypervisor does. */
type Known = Pick<KeptDomain, 'name' | 'uuid' | 'isStarted' | 'vcpu'> | undefined

/** Lists of all domains of the machine, whoever built them. */
export class DomainListing {
  readonly #machine: Machine
  readonly #known: (domid: Domid) => Known

  constructor(machine: Machine, known: (domid: Domid) => Known) {
    this.#machine = machine
    this.#known = known
  }

  domains(): DomainInfo[] {
    return this.#domids().map((domid) => this.#describe(domid))
  }

  vcpus(): VcpuInfo[] {
    return this.domains().flatMap(({ domid, name, vcpus, state, cpuSeconds }) =>
      Array.from({ length: vcpus }, (_, vcpu) => ({
        domid,
        name,
        vcpu,
        state: this.#machine.calls.lifecycle.isVcpuUp(domid, vcpu) ? state.slice(0, 3) : '---',
        cpuSeconds: vcpu === 0 ? cpuSeconds : 0,
      })),
    )
  }

  #describe(domid: Domid): DomainInfo {
    const standing = this.#machine.calls.lifecycle.standing(domid)
    const known = this.#known(domid)
    const reason = standing.shutdown === undefined ? undefined : reasonName(standing.shutdown)
    const isPaused = standing.pauses > 0 || (domid !== DOM0 && known?.isStarted === false)
    const runs = !isPaused && !standing.dying && reason === undefined
    const isBusy = domid === DOM0 || known?.vcpu?.usage?.isBusy() === true
    const letters: [string, boolean][] = [
      ['r', runs && isBusy],
      ['b', runs && !isBusy],
      ['p', isPaused],
      ['s', reason !== undefined],
      ['c', reason === 'crash'],
      ['d', standing.dying],
    ]
    return {
      domid,
      name: domid === DOM0 ? CONTROL_DOMAIN_NAME : (known?.name ?? NAMELESS),
      uuid: known?.uuid ?? uuidOf(domid),
      memoryMiB: (standing.memoryFrames * PAGE_BYTES) / MIB,
      vcpus: standing.vcpus,
      state: letters.map(([letter, applies]) => (applies ? letter : '-')).join(''),
      ...(reason === undefined ? {} : { shutdownReason: reason }),
      cpuSeconds: known?.vcpu?.usage?.cpuSeconds() ?? 0,
    }
  }

  #domids(): Domid[] {
    const { xen } = this.#machine
    xen.enter(DOMID_XEN)
    try {
      return xen.domains.list()
    } finally {
      xen.leave()
    }
  }
}

/** A UUID follows from the domid: nothing here is random, so that a machine can be replayed. */
export const uuidOf = (domid: Domid): string => `00000000-0000-4000-8000-${domid.toString(16).padStart(12, '0')}`

/** A UUID's 16 bytes. @throws RangeError unless it is one, with dashes or without */
export const bytesOfUuid = (uuid: string): Uint8Array => {
  const digits = uuid.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(digits)) throw new RangeError(`${uuid} is no UUID`)
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}
