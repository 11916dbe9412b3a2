import { pathToFileURL } from 'node:url'
import { domid as asDomid, type Domid, XenError } from '@split-driver/abi'
import type { EmulatedHost, ExitReport, Vcpu } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import type { DomainLine } from '../control/operations.js'
import type { Log } from '../logging/log.js'
import type { DomainConfig } from '../xl-config/domain-config.js'
import type { ConsoleReadiness } from './console-readiness.js'
import type { DomainDisks } from './domain-disks.js'

interface KeptDomain {
  readonly domid: Domid
  readonly config: DomainConfig
  vcpu: Vcpu | undefined
}

export interface KeeperParts {
  readonly host: EmulatedHost
  readonly disks: DomainDisks
  readonly consoles: ConsoleReadiness
  readonly log: Log
}

/** The domains of a machine from their configurations on, each with its code in a thread of its own. */
export class DomainKeeper {
  readonly #parts: KeeperParts
  readonly #domains = new Map<Domid, KeptDomain>()

  constructor(parts: KeeperParts) {
    this.#parts = parts
  }

  /**
   * Builds a domain with its disks, and starts it unless it is to stay paused. Nothing is left of it if that fails.
   * @throws XenError EEXIST the name is taken; ENOMEM, ENOSPC; as `DomainDisks.judge`
   */
  async create(config: DomainConfig, paused: boolean): Promise<{ domid: Domid; name: string }> {
    const { host, disks, consoles, log } = this.#parts
    const { name } = config
    if (this.#named(name) !== undefined) throw new XenError('EEXIST', `there is a domain called "${name}" already`)
    for (const disk of config.disks) await disks.judge(disk)
    const { domid } = await host.toolstack.create(planOf(config))
    const kept: KeptDomain = { domid, config, vcpu: undefined }
    this.#domains.set(domid, kept)
    try {
      await consoles.of(domid)
      for (const disk of config.disks) await disks.attach(domid, disk)
      log.info({ event: 'created', domid, name, memory: config.memoryMiB }, 'the domain is built')
      if (!paused) this.#start(kept)
    } catch (error) {
      await this.destroy(domid)
      throw error
    }
    return { domid, name }
  }

  /** @param which a name, or a number @throws XenError ESRCH */
  find(which: string): { domid: Domid; name: string } {
    const named = this.#named(which)
    if (named !== undefined) return { domid: named.domid, name: named.config.name }
    const number = /^\d{1,5}$/.test(which) ? this.#domains.get(asDomid(Number(which))) : undefined
    if (number !== undefined) return { domid: number.domid, name: number.config.name }
    throw new XenError('ESRCH', `there is no domain ${/^\d+$/.test(which) ? which : `called "${which}"`}`)
  }

  list(): DomainLine[] {
    return [...this.#domains.values()].map(({ domid, config, vcpu }) => ({
      domid,
      name: config.name,
      uuid: '',
      memoryMiB: config.memoryMiB,
      vcpus: config.vcpus,
      state: vcpu === undefined ? '--p---' : '-b----',
      cpuSeconds: 0,
      config,
    }))
  }

  async destroy(domid: Domid): Promise<void> {
    const kept = this.#domains.get(domid)
    if (kept === undefined) return
    this.#domains.delete(domid)
    await this.#parts.host.toolstack.destroy(domid)
    this.#parts.disks.forget(domid)
    this.#parts.log.info({ event: 'destroyed', domid, name: kept.config.name }, 'the domain is no more')
  }

  async close(): Promise<void> {
    for (const domid of this.#domains.keys()) await this.destroy(domid)
  }

  #start(kept: KeptDomain): void {
    const { host, log } = this.#parts
    const { domid, config } = kept
    const program = { href: pathToFileURL(config.kernel).href }
    kept.vcpu = host.toolstack.start({ domid }, program, { startVcpu: startWorkerThread })
    log.info({ event: 'started', domid, name: config.name }, 'the domain runs')
    void kept.vcpu.exited.then((report) => this.#ended(kept, report))
  }

  async #ended({ domid, config }: KeptDomain, report: ExitReport): Promise<void> {
    if (report.how === 'killed') return
    const { log } = this.#parts
    if (report.how === 'crashed') log.warn({ event: 'crashed', domid, name: config.name }, report.error.message)
    else log.info({ event: 'halted', domid, name: config.name }, 'the domain has stopped')
    await this.destroy(domid)
  }

  #named(name: string): KeptDomain | undefined {
    return [...this.#domains.values()].find(({ config }) => config.name === name)
  }
}

const PAGES_PER_MIB = 256

const planOf = ({ name, memoryMiB, vcpus, commandLine, ...limits }: DomainConfig) => ({
  name,
  memoryPages: memoryMiB * PAGES_PER_MIB,
  vcpus,
  commandLine,
  ...(limits.maxEventChannels === undefined ? {} : { maxEventChannels: limits.maxEventChannels }),
  ...(limits.maxGrantFrames === undefined ? {} : { maxGrantFrames: limits.maxGrantFrames }),
  ...(limits.maxMaptrackFrames === undefined ? {} : { maxMaptrackFrames: limits.maxMaptrackFrames }),
})
