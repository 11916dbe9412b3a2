import { type Domid, type Port, type Virq, XenError } from '@split-driver/abi'
import type { DomainState, DomainStates } from '@split-driver/platform'
import { type DomainDescription, describeDomain, domainState } from './domain-description.js'
import {
  CAPABILITIES_BYTES,
  domainInfo,
  EVTCHNOP_STATUS,
  EvtchnState,
  EXTRAVERSION_BYTES,
  evtchnStatus,
  evtchnStatusSource,
  Hypercall,
  SYSCTL_GETDOMAININFOLIST,
  SYSCTL_VERSIONS,
  sysctlGetDomainInfoList,
  XenVersionOp,
  xenFeatureInfo,
} from './hypercall-abi.js'
import type { HypercallChannel } from './hypercall-channel.js'
import { SystemCallError } from './system-call-error.js'

export interface XenVersion {
  readonly major: number
  readonly minor: number
  /** What follows them, such as `.5`. */
  readonly extraVersion: string
  /** Guests that this Xen runs, such as `xen-3.0-x86_64`. */
  readonly capabilities: readonly string[]
  /** XENFEAT_* bits 0 to 31. @see xen/features.h */
  readonly features: number
}

/** One end of an event channel, in any domain. @see event_channel.h EVTCHNSTAT_* */
export type EventChannelStatus =
  | { readonly state: 'closed' }
  | { readonly state: 'unbound'; readonly remoteDomid: Domid }
  | { readonly state: 'interdomain'; readonly remoteDomid: Domid; readonly remotePort: Port }
  | { readonly state: 'pirq'; readonly pirq: number }
  | { readonly state: 'virq'; readonly virq: Virq }
  | { readonly state: 'ipi' }

/** More domains than domids: a list that goes on beyond this is none. */
const DOMAINS_MAX = 0x7ff0

/** What no other node tells. Only a privileged domain may ask of others. */
export class Hypercalls implements DomainStates, Disposable {
  readonly #channel: HypercallChannel
  #sysctlVersion: number | undefined

  constructor(channel: HypercallChannel) {
    this.#channel = channel
  }

  /** @throws XenError EPERM */
  xenVersion(): XenVersion {
    const version = this.#asking("Xen's version", () =>
      this.#channel.call(Hypercall.xenVersion, XenVersionOp.version, 0),
    )
    const info = xenFeatureInfo.create({ submapIdx: 0 })
    this.#asking("Xen's features", () => this.#channel.exchange(Hypercall.xenVersion, [XenVersionOp.getFeatures], info))
    return {
      major: version >>> 16,
      minor: version & 0xffff,
      extraVersion: this.#text(XenVersionOp.extraversion, EXTRAVERSION_BYTES),
      capabilities: this.#text(XenVersionOp.capabilities, CAPABILITIES_BYTES)
        .split(' ')
        .filter((word) => word !== ''),
      features: xenFeatureInfo.at.submap.get(info, 0),
    }
  }

  /**
   * What is at `port` of domain `domid`.
   * @throws XenError EINVAL if that domain can have no such port, ESRCH no such domain, EPERM
   */
  eventChannelStatus(domid: Domid, port: Port): EventChannelStatus {
    const argument = evtchnStatus.create({ dom: domid, port })
    this.#asking(`port ${port} of domain ${domid}`, () =>
      this.#channel.exchange(Hypercall.eventChannelOp, [EVTCHNOP_STATUS], argument),
    )
    return statusOf(argument)
  }

  /**
   * Every domain that there is, in the order of their domids.
   * @throws XenError ENOSYS if this Xen speaks a version of the interface that is not known here; EPERM
   */
  domains(): DomainDescription[] {
    const found: DomainDescription[] = []
    let next = 0
    while (found.length < DOMAINS_MAX) {
      const words = this.#firstDomainFrom(next)
      if (words === undefined) break
      const domain = describeDomain(domainInfo.read(words))
      found.push(domain)
      next = domain.domid + 1
    }
    return found
  }

  /** By one hypercall. @throws XenError as `domains` */
  stateOf(domid: Domid): DomainState | undefined {
    const words = this.#firstDomainFrom(domid)
    if (words === undefined || domainInfo.at.domain.get(words, 0) !== domid) return undefined
    return domainState(domainInfo.at.flags.get(words, 0))
  }

  /** The handle that its builder gave it; by one hypercall. @throws XenError as `domains` */
  uuidOf(domid: Domid): string | undefined {
    const words = this.#firstDomainFrom(domid)
    if (words === undefined || domainInfo.at.domain.get(words, 0) !== domid) return undefined
    return describeDomain(domainInfo.read(words)).uuid
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]()
  }

  /**
   * One at a time: what follows a domain's description is each architecture's own, and its size with it.
   * @returns its `domainInfo`
   */
  #firstDomainFrom(firstDomain: number): Int32Array | undefined {
    const argument = this.#sysctl(firstDomain)
    if (sysctlGetDomainInfoList.at.numDomains.get(argument, 0) === 0) return undefined
    const words = this.#channel.dataWords(domainInfo.words)
    return domainInfo.at.domain.get(words, 0) < firstDomain ? undefined : words
  }

  /** Xen answers EACCES to any version of the interface but its own. */
  #sysctl(firstDomain: number): Int32Array {
    const versions = this.#sysctlVersion === undefined ? SYSCTL_VERSIONS : [this.#sysctlVersion]
    for (const interfaceVersion of versions) {
      const argument = sysctlGetDomainInfoList.create({
        cmd: SYSCTL_GETDOMAININFOLIST,
        interfaceVersion,
        firstDomain,
        maxDomains: 1,
        buffer: this.#channel.dataAddress,
      })
      try {
        this.#channel.exchange(Hypercall.sysctl, [], argument)
        this.#sysctlVersion = interfaceVersion
        return argument
      } catch (error) {
        if (!SystemCallError.is(error, 'EACCES')) throw this.#channel.refusal(error, 'cannot list the domains')
      }
    }
    throw this.#unknownInterface()
  }

  #unknownInterface(): XenError {
    const { major, minor, extraVersion } = this.xenVersion()
    const known = SYSCTL_VERSIONS.map((version) => `0x${version.toString(16)}`).join(', ')
    return new XenError(
      'ENOSYS',
      `Xen ${major}.${minor}${extraVersion} has another sysctl interface than those known here: ${known} (Xen 4.16 to 4.21)`,
      { detail: { major, minor, known: SYSCTL_VERSIONS } },
    )
  }

  /** A C string that Xen writes into the argument's page. */
  #text(command: number, length: number): string {
    const { argumentAddress } = this.#channel
    this.#asking("Xen's version", () => this.#channel.call(Hypercall.xenVersion, command, argumentAddress))
    const bytes = this.#channel.argumentBytes(length)
    const end = bytes.indexOf(0)
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
  }

  #asking<T>(what: string, ask: () => T): T {
    try {
      return ask()
    } catch (error) {
      throw this.#channel.refusal(error, `cannot ask for ${what}`)
    }
  }
}

const statusOf = (argument: Int32Array): EventChannelStatus => {
  const { status, remoteDom, remotePort } = evtchnStatus.read(argument)
  const source = evtchnStatusSource.get(argument, 0)
  switch (status) {
    case EvtchnState.closed:
      return { state: 'closed' }
    case EvtchnState.unbound:
      return { state: 'unbound', remoteDomid: remoteDom as Domid }
    case EvtchnState.interdomain:
      return { state: 'interdomain', remoteDomid: remoteDom as Domid, remotePort: remotePort as Port }
    case EvtchnState.pirq:
      return { state: 'pirq', pirq: source }
    case EvtchnState.virq:
      return { state: 'virq', virq: source as Virq }
    case EvtchnState.ipi:
      return { state: 'ipi' }
    default:
      throw new XenError('EPROTO', `an event channel cannot be in state ${status}`)
  }
}
