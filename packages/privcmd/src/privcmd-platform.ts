import { join } from 'node:path'
import { DOM0, type Domid, XenError } from '@split-driver/abi'
import type { InheritedPorts } from '@split-driver/evtchn'
import type { Capabilities, Clock, DomainStates, Platform } from '@split-driver/platform'
import type { XenStoreClient } from '@split-driver/xenbus'
import { hostPacing } from '@split-driver/xenbus/node'
import { DeviceNode } from './device-node.js'
import { type Delivery, PrivcmdEventChannels } from './event-channels.js'
import { PrivcmdGrantMapper } from './grant-mapper.js'
import { PrivcmdGrantSharer } from './grant-sharer.js'
import { HostClock } from './host-clock.js'
import { fileNumber } from './host-files.js'
import { type HostPaths, hostPaths } from './host-paths.js'
import { HypercallChannel } from './hypercall-channel.js'
import { Hypercalls } from './hypercalls.js'
import { PrivcmdInheritedPorts } from './inherited-ports.js'
import { LinuxSystemCalls } from './linux-system-calls.js'
import { OnDemand } from './on-demand.js'
import { explainOpening } from './opening-problem.js'
import { StoreRing } from './store-ring.js'
import type { SystemCalls } from './system-calls.js'
import { openXenStore, ownDomid, type XenStoreParts, type XenStoreRoute } from './xenstore.js'

export interface PrivcmdOptions {
  /** Who takes events; `event-loop` unless given. */
  readonly delivery?: Delivery
  /** `auto` unless given. `none`: there is no XenStore yet, because this process is to be it. */
  readonly xenstore?: XenStoreRoute | 'none'
  /** Which domain this is; unless given, asked of XenStore, or domain 0 where there is none to ask. */
  readonly domid?: Domid
  /** As what /dev/xen/evtchn is open already, with ports that the program before this one in the process has bound. */
  readonly evtchnFd?: number | undefined
  /** Paths that are not the usual ones. */
  readonly paths?: Partial<HostPaths>
  /** In place of the kernel's. */
  readonly systemCalls?: SystemCalls
}

interface PlatformParts extends XenStoreParts {
  readonly store: XenStoreClient | undefined
  readonly domid: Domid
  readonly clock: Clock
  readonly delivery: Delivery
  readonly evtchnFd: number | undefined
}

/** Something that a platform holds open. */
export interface Holding {
  readonly kind: 'port' | 'mapping' | 'grant'
  /** One line for a person. */
  readonly what: string
}

/** @see Capabilities; the same for every host */
const SUPPORTS: Capabilities = {
  grantCopy: true,
  checkedMemory: true,
  parallel: true,
  virq: true,
  ipi: true,
  unmapNotify: true,
  virtualTime: false,
  faults: false,
  heldPageCount: false,
  separateDomains: true,
}

/**
 * The domain this process runs in, over the device nodes of its kernel. Each node is opened when it is first asked for: a
 * backend needs no gntalloc, and a frontend no gntdev. Keeps the process alive, as an open socket does, until it is
 * disposed of; several in one process know nothing of each other.
 */
export class PrivcmdPlatform implements Platform {
  readonly domid: Domid
  readonly clock: Clock
  readonly supports = SUPPORTS
  readonly #store: XenStoreClient | undefined
  readonly #events: OnDemand<PrivcmdEventChannels>
  readonly #mapper: OnDemand<PrivcmdGrantMapper>
  readonly #sharer: OnDemand<PrivcmdGrantSharer>
  readonly #hypercalls: OnDemand<Hypercalls>
  readonly #storeRing: OnDemand<StoreRing>
  readonly #inherits: boolean

  private constructor({ calls, paths, explain, store, domid, clock, delivery, evtchnFd: fd }: PlatformParts) {
    const open = (path: string) => DeviceNode.open(calls, path, explain)
    const limit = () => fileNumber(join(paths.sysModule, 'xen_gntalloc/parameters/limit'))
    this.domid = domid
    this.#store = store
    this.clock = clock
    this.#inherits = fd !== undefined
    const evtchn = () => (fd === undefined ? open(paths.evtchn) : DeviceNode.adopt(calls, paths.evtchn, fd))
    this.#events = new OnDemand(() => new PrivcmdEventChannels(evtchn(), domid, delivery, clock))
    this.#mapper = new OnDemand(() => new PrivcmdGrantMapper(open(paths.gntdev)))
    this.#sharer = new OnDemand(() => new PrivcmdGrantSharer(open(paths.gntalloc), limit))
    this.#hypercalls = new OnDemand(() =>
      openHypercalls(
        () => open(paths.privcmd),
        () => open(paths.hypercall),
      ),
    )
    this.#storeRing = new OnDemand(() => StoreRing.open(calls, paths))
  }

  /**
   * @throws XenError that says what is in the way and what to do: ENODEV no Xen host, ENOENT a node, its module or XenStore
   * is missing, EACCES no right, ENOSYS the C library cannot be called from here
   */
  static async open(options: PrivcmdOptions = {}): Promise<PrivcmdPlatform> {
    const paths = { ...hostPaths(), ...options.paths }
    const calls = options.systemCalls ?? (await LinuxSystemCalls.load())
    const clock = new HostClock()
    const { xenstore: route = 'auto', delivery = 'event-loop', evtchnFd } = options
    const parts = { calls, paths, explain: explainOpening(paths), clock, delivery, evtchnFd }
    if (route === 'none') return new PrivcmdPlatform({ ...parts, store: undefined, domid: options.domid ?? DOM0 })
    const store = await openXenStore(route, parts, hostPacing(clock))
    try {
      return new PrivcmdPlatform({ ...parts, store, domid: options.domid ?? (await ownDomid(store, clock)) })
    } catch (error) {
      store.close()
      throw error
    }
  }

  /**
   * It connects anew when xenstored has gone away, until the platform is disposed of.
   * @throws XenError ENODEV if this platform was opened without one
   */
  get xenstore(): XenStoreClient {
    if (this.#store) return this.#store
    throw new XenError('ENODEV', 'this platform was opened without XenStore (xenstore: "none"): it has no client of it')
  }

  /** @throws XenError as `open`, when it is first asked for */
  get events(): PrivcmdEventChannels {
    return this.#events.get()
  }

  /** Of a platform that was opened with `evtchnFd`. @throws XenError as `open` */
  get inheritedPorts(): InheritedPorts | undefined {
    return this.#inherits ? new PrivcmdInheritedPorts(this.domid, this.events, this.hypercalls) : undefined
  }

  /** @throws XenError as `open`, when it is first asked for */
  get mapper(): PrivcmdGrantMapper {
    return this.#mapper.get()
  }

  /** @throws XenError as `open`, when it is first asked for */
  get sharer(): PrivcmdGrantSharer {
    return this.#sharer.get()
  }

  /** What the other nodes cannot tell: Xen's version, domains, any port's state. @throws XenError as `open` */
  get hypercalls(): Hypercalls {
    return this.#hypercalls.get()
  }

  /** What Xen says of every domain, for a XenStore daemon. @throws XenError as `open` */
  get domainStates(): DomainStates {
    return this.hypercalls
  }

  /**
   * Dom0's own connection to its XenStore daemon: only that daemon may open it.
   * @throws XenError as `open`, when it is first asked for
   */
  get storeRing(): StoreRing {
    return this.#storeRing.get()
  }

  /** Everything that this platform holds now; nothing after it is disposed of. */
  holdings(): Holding[] {
    const list = <T>(kind: Holding['kind'], all: Iterable<T>, what: (one: T) => string): Holding[] =>
      Array.from(all, (one) => ({ kind, what: what(one) }))
    return [
      ...list('port', this.#events.opened?.openPorts() ?? [], (port) => `port ${port}`),
      ...list(
        'mapping',
        this.#mapper.opened?.mappings ?? [],
        ({ refs, remoteDomid }) => `grants ${refs.join(' ')} of domain ${remoteDomid}, mapped`,
      ),
      ...list(
        'grant',
        this.#sharer.opened?.shared ?? [],
        ({ refs, remoteDomid }) => `grants ${refs.join(' ')}, shared with domain ${remoteDomid}`,
      ),
      ...list('mapping', this.#storeRing.opened ? [this.#storeRing.opened] : [], () => 'the XenStore ring of dom0'),
    ]
  }

  /** Gives everything back to the kernel. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#store?.close()
    for (const part of [this.#events, this.#mapper, this.#sharer, this.#hypercalls, this.#storeRing])
      part[Symbol.dispose]()
  }
}

/** Two nodes, or none. */
const openHypercalls = (openPrivcmd: () => DeviceNode, openBuffers: () => DeviceNode): Hypercalls => {
  const privcmd = openPrivcmd()
  let buffers: DeviceNode | undefined
  try {
    buffers = openBuffers()
    return new Hypercalls(new HypercallChannel(privcmd, buffers))
  } catch (error) {
    buffers?.close()
    privcmd.close()
    throw error
  }
}
