import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DOM0, type Domid, PAGE_BYTES, type Port, XenError } from '@split-driver/abi'
import type { CommandWorld } from '@split-driver/cli'
import type { EventChannels, InheritedPorts, PortBequest } from '@split-driver/evtchn'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import type { DomainStates } from '@split-driver/platform'
import { HostClock, LinuxSystemCalls, type MappedRange } from '@split-driver/privcmd'
import { domainPort, VIRQ_PORT, WORD_BYTES } from './event-words.js'

type StoreMachine = Awaited<ReturnType<CommandWorld['openStoreMachine']>>

/** What one turn takes; the rest waits in the socket. */
const WORDS_AT_ONCE = 64

/**
 * What bench/c/xenstored-shim.c is to the originals, for our daemon in the place of one: the same files are the pages, and
 * the socket that the original had connected has the events.
 */
export const openShimMachine: CommandWorld['openStoreMachine'] = async ({ evtchnFd } = {}): Promise<StoreMachine> => {
  const home = process.env['XENSTORED_SHIM_HOME']
  if (home === undefined || evtchnFd === undefined)
    throw new XenError('ENODEV', 'this machine is only what an original daemon has left')
  const pages = new SharedFiles(await LinuxSystemCalls.load(), home)
  const controlRange = pages.map('xsd_kva')
  const events = new WordChannels(pages.calls, evtchnFd)
  const stateOf = (domid: Domid) => (domid === DOM0 || existsSync(join(home, pageOf(domid))) ? 'running' : undefined)
  const domainStates: DomainStates = { stateOf }
  const clock = new HostClock()
  return {
    name: 'Linux in place of a Xen host',
    platform: { events: events as Used as EventChannels, mapper: pages.mapper, clock, inheritedPorts: events },
    ports: events,
    options: { controlRing: { page: controlRange.memory, port: 2 as Port }, domainStates },
    async [Symbol.asyncDispose]() {
      events[Symbol.dispose]()
      pages.calls.unmap(controlRange)
    },
  }
}

const pageOf = (domid: Domid): string => `domain-${domid}`

/** Pages of which each is a file. */
class SharedFiles {
  readonly #ranges = new Map<Mapping, MappedRange>()

  constructor(
    readonly calls: LinuxSystemCalls,
    readonly home: string,
  ) {}

  readonly mapper = {
    map: (remoteDomid, refs, access): Mapping => {
      const range = this.map(pageOf(remoteDomid))
      const mapping = { remoteDomid, refs, access, memory: range.memory, page: () => range.memory }
      this.#ranges.set(mapping, range)
      return mapping
    },
    unmap: (mapping: Mapping) => {
      this.calls.unmap(this.#ranges.get(mapping)!)
      this.#ranges.delete(mapping)
    },
  } as Pick<GrantMapper, 'map' | 'unmap'> as GrantMapper

  map(name: string): MappedRange {
    if (!existsSync(join(this.home, name))) throw new XenError('GNTST_bad_domain', `there is no ${name}`)
    const fd = this.calls.open(join(this.home, name), 'read-write')
    try {
      return this.calls.map(fd, 0, PAGE_BYTES, 'writable')
    } finally {
      this.calls.close(fd)
    }
  }
}

type Used = Pick<EventChannels, 'bindVirq' | 'bindInterdomain' | 'listen' | 'unbind' | 'notify' | 'eoi'>

/** Event channels of which each event is a word over a socket; all of them are bound as long as it is open. */
class WordChannels implements Used, InheritedPorts, PortBequest, Disposable {
  readonly #handlers = new Map<Port, (port: Port) => void>()
  readonly #words = new Uint32Array(WORDS_AT_ONCE)
  readonly #word = new Uint32Array(1)
  readonly #watching: Disposable

  constructor(
    readonly calls: LinuxSystemCalls,
    readonly fd: number,
  ) {
    this.#watching = calls.whenReadable(fd, () => this.#receive())
  }

  bindVirq(): Port {
    return VIRQ_PORT
  }

  bindInterdomain(domid: Domid): Port {
    return domainPort(domid)
  }

  /** Nobody knows which port is at the other end. */
  adopt(remoteDomid: Domid, port: Port): Port | undefined {
    if (port !== domainPort(remoteDomid))
      throw new XenError('EINVAL', `port ${port} does not lead to domain ${remoteDomid}`)
    setImmediate(() => this.#deliver(port))
    return undefined
  }

  bequeath(): number {
    return this.fd
  }

  listen(port: Port, handler: (port: Port) => void): void {
    this.#handlers.set(port, handler)
  }

  unbind(port: Port): void {
    this.#handlers.delete(port)
  }

  notify(port: Port): void {
    this.#word[0] = port
    this.calls.write(this.fd, new Uint8Array(this.#word.buffer))
  }

  eoi(): void {}

  [Symbol.dispose](): void {
    this.#watching[Symbol.dispose]()
  }

  #receive(): void {
    const bytes = this.calls.read(this.fd, new Uint8Array(this.#words.buffer))
    // Whoever started the daemon is gone, and nobody is left to end it.
    if (bytes === 0) process.exit()
    for (const port of this.#words.slice(0, bytes / WORD_BYTES)) this.#deliver(port as Port)
  }

  #deliver(port: Port): void {
    this.#handlers.get(port)?.(port)
  }
}
