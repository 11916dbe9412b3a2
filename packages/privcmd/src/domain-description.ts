import type { Domid, Infer } from '@split-driver/abi'
import type { DomainState } from '@split-driver/platform'
import { DomainInfoFlag, type domainInfo, SHUTDOWN_SHIFT, ShutdownReason } from './hypercall-abi.js'

/** Why a guest says that it has shut down. */
export type WhyShutdown = keyof typeof ShutdownReason | 'unknown'

const whyShutdown = new Map<number, WhyShutdown>(
  Object.entries(ShutdownReason).map(([name, reason]) => [reason, name as WhyShutdown]),
)

/** A domain as Xen sees it. */
export interface DomainDescription {
  readonly domid: Domid
  /** 16 bytes in hexadecimal, with dashes. */
  readonly uuid: string
  readonly isHvm: boolean
  /** It is being destroyed, and something still holds on to it: pages that are mapped, for one. */
  readonly isDying: boolean
  readonly isPaused: boolean
  /** No virtual CPU has anything to do. */
  readonly isBlocked: boolean
  readonly isRunning: boolean
  /** `undefined` while it has not shut down. */
  readonly shutdown: WhyShutdown | undefined
  /** Pages of 4096 bytes. */
  readonly pages: number
  readonly maxPages: number
  readonly onlineVcpus: number
  /** Milliseconds. */
  readonly cpuTime: number
}

export const describeDomain = (info: Infer<typeof domainInfo>): DomainDescription => {
  const has = (flag: number) => (info.flags & flag) !== 0
  const reason = whyShutdown.get((info.flags >>> SHUTDOWN_SHIFT) & 0xff) ?? 'unknown'
  return {
    domid: info.domain as Domid,
    uuid: uuidText(info.handle),
    isHvm: has(DomainInfoFlag.hvmGuest),
    isDying: has(DomainInfoFlag.dying),
    isPaused: has(DomainInfoFlag.paused),
    isBlocked: has(DomainInfoFlag.blocked),
    isRunning: has(DomainInfoFlag.running),
    shutdown: has(DomainInfoFlag.shutdown) ? reason : undefined,
    pages: Number(info.totPages),
    maxPages: Number(info.maxPages),
    onlineVcpus: info.nrOnlineVcpus,
    cpuTime: Number(info.cpuTime) / 1e6,
  }
}

/** @param flags XEN_DOMINF_*; one that is dying has shut down or not, and is neither any more */
export const domainState = (flags: number): DomainState => {
  if ((flags & DomainInfoFlag.dying) !== 0) return 'dying'
  return (flags & DomainInfoFlag.shutdown) !== 0 ? 'shutdown' : 'running'
}

const uuidText = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
