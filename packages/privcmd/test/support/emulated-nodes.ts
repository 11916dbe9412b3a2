import type { EmulatedPlatform, Inspection } from '@split-driver/emulator'
import { type MappedRange, SystemCallError, type SystemCalls } from '@split-driver/privcmd'
import type { ByteChannel } from '@split-driver/xenbus'
import { Addresses } from './emulated-nodes-addresses.js'
import { GrantCopies } from './emulated-nodes-copy.js'
import { EvtchnFile } from './emulated-nodes-evtchn.js'
import type { MapAccess, NodeFile } from './emulated-nodes-file.js'
import { GntallocFile, GntallocLimit } from './emulated-nodes-gntalloc.js'
import { GntdevFile } from './emulated-nodes-gntdev.js'
import { KernelPorts } from './emulated-nodes-ports.js'
import { HypercallFile, PrivcmdFile } from './emulated-nodes-privcmd.js'
import { Refusal, refused } from './emulated-nodes-refusal.js'
import { XenbusFile } from './emulated-nodes-xenbus.js'
import { type KernelStoreRing, XsdKvaFile, XsdPortFile } from './emulated-nodes-xenfs.js'

export interface EmulatedNodesOptions {
  /** The domain whose kernel this is. */
  readonly platform: EmulatedPlatform
  /** A connection to XenStore of the domain's, for one open file. */
  readonly connectStore: () => ByteChannel
  /** In dom0: what /proc/xen/xsd_kva and xsd_port are. */
  readonly storeRing?: KernelStoreRing
  /** Of the machine, for who asks what is at a port's other end. */
  readonly inspection?: Inspection
  /** Pages that gntalloc shares at a time, all its files together; 1024 unless given, as Linux. */
  readonly gntallocLimit?: number
  /** Ports that an evtchn file's ring holds at most; as many as are bound unless given, as Linux. */
  readonly evtchnRingSize?: number
  /** Nodes that this kernel does not have, such as `/dev/xen/gntalloc`. */
  readonly missing?: readonly string[]
}

/**
 * The kernel of an emulated domain, as far as a process that opens the nodes of /dev/xen and dom0's of /proc/xen sees it. It
 * refuses what Linux's drivers refuse, tells what is readable in a turn of its own, and keeps a ledger.
 */
export class EmulatedNodes implements SystemCalls {
  readonly #options: EmulatedNodesOptions
  readonly #addresses = new Addresses()
  readonly #ports = new KernelPorts()
  readonly #limit: GntallocLimit
  /** By descriptor. */
  readonly #files = new Map<number, NodeFile>()
  /** Files that were closed with something still mapped. */
  readonly #lingering = new Set<NodeFile>()
  readonly #watchers = new Map<number, Watcher>()
  #dead = false
  #nextFd = 3

  constructor(options: EmulatedNodesOptions) {
    this.#options = options
    this.#limit = new GntallocLimit(options.gntallocLimit ?? 1024)
  }

  /** Descriptors, mappings, ports, grants, watches and transactions of the process, one line each. */
  ledger(): string[] {
    return [...this.#files.values(), ...this.#lingering].flatMap((file) => file.holdings())
  }

  /**
   * The process becomes another program: what it had mapped is gone, and every descriptor but these; it waits for none. Its
   * old code must not be run any more.
   */
  execute(kept: readonly number[]): void {
    for (const watcher of this.#watchers.values()) watcher.stop()
    this.#watchers.clear()
    for (const file of [...this.#files.values(), ...this.#lingering]) file.unmapAll()
    for (const fd of this.#files.keys()) if (!kept.includes(fd)) this.close(fd)
    this.#lingering.clear()
  }

  /** The domain has been destroyed, and its kernel with it: whoever still runs its code gets nothing done. Idempotent. */
  vanish(): void {
    this.#dead = true
    for (const watcher of this.#watchers.values()) watcher.stop()
    this.#watchers.clear()
    this.#files.clear()
    this.#lingering.clear()
  }

  open(path: string): number {
    return this.#call('open', path, () => {
      const fd = this.#nextFd++
      this.#files.set(fd, this.#openFile(path))
      return fd
    })
  }

  adopt(fd: number, path: string): void {
    this.#call('fstat', String(fd), () => {
      if (this.#file(fd).path !== path) throw refused('ENODEV', `descriptor ${fd} is not ${path}`)
    })
  }

  close(fd: number): void {
    this.#call('close', String(fd), () => {
      if (this.#dead) return
      const file = this.#file(fd)
      if (this.#watchers.has(fd)) throw new TypeError(`descriptor ${fd} is closed while somebody waits for it`)
      this.#files.delete(fd)
      file.close()
      if (file.holdings().length > 0) this.#lingering.add(file)
    })
  }

  ioctl(fd: number, request: number, argument: Uint8Array): number {
    return this.#call('ioctl', request.toString(16), () => this.#file(fd).ioctl(request, argument))
  }

  read(fd: number, target: Uint8Array): number {
    return this.#call('read', String(fd), () => this.#file(fd).read(target))
  }

  write(fd: number, source: Uint8Array): number {
    return this.#call('write', String(fd), () => this.#file(fd).write(source))
  }

  map(fd: number, offset: number, byteLength: number, access: MapAccess): MappedRange {
    return this.#call('mmap', String(fd), () => this.#file(fd).map(offset, byteLength, access))
  }

  unmap(range: MappedRange): void {
    this.#call('munmap', '', () => {
      if (this.#dead) return
      const files = [...this.#files.values(), ...this.#lingering]
      const file = files.find((each) => each.unmap(range))
      if (file === undefined) throw new TypeError('this range is not mapped')
      if (file.holdings().length === 0) this.#lingering.delete(file)
    })
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#addresses.of(bytes)
  }

  whenReadable(fd: number, callback: () => void): Disposable {
    return this.#call('poll', String(fd), () => {
      if (this.#watchers.has(fd)) throw new TypeError(`descriptor ${fd} has a watcher`)
      const watcher = new Watcher(this.#file(fd), callback)
      this.#watchers.set(fd, watcher)
      return { [Symbol.dispose]: () => this.#stopTelling(fd, watcher) }
    })
  }

  /** Nothing can happen while this thread is blocked, which is all there is. */
  waitReadable(fd: number, _milliseconds: number): boolean {
    return this.#call('poll', String(fd), () => this.#file(fd).readable)
  }

  #openFile(path: string): NodeFile {
    const { platform, connectStore, storeRing, evtchnRingSize = Number.POSITIVE_INFINITY, missing = [] } = this.#options
    const { events, mapper, sharer } = platform
    if (missing.includes(path)) throw refused('ENOENT', 'there is no such node')
    const parts = { events, ports: this.#ports }
    switch (path) {
      case '/dev/xen/evtchn':
        return new EvtchnFile(path, events, this.#ports, evtchnRingSize)
      case '/dev/xen/gntdev':
        return new GntdevFile(path, { ...parts, mapper, copies: new GrantCopies(mapper, this.#addresses) })
      case '/dev/xen/gntalloc':
        return new GntallocFile(path, { ...parts, sharer, limit: this.#limit })
      case '/dev/xen/xenbus':
        return new XenbusFile(path, connectStore())
      case '/dev/xen/privcmd':
        return new PrivcmdFile(path, this.#addresses, platform.domainStates, this.#options.inspection)
      case '/dev/xen/hypercall':
        return new HypercallFile(path)
      case '/proc/xen/xsd_kva':
        if (storeRing) return new XsdKvaFile(path, storeRing)
        break
      case '/proc/xen/xsd_port':
        if (storeRing) return new XsdPortFile(path, storeRing)
    }
    throw refused('ENOENT', 'there is no such node')
  }

  #stopTelling(fd: number, watcher: Watcher): void {
    watcher.stop()
    if (this.#watchers.get(fd) === watcher) this.#watchers.delete(fd)
  }

  #file(fd: number): NodeFile {
    const file = this.#files.get(fd)
    if (file === undefined) throw refused('EBADF', `descriptor ${fd} is not open`)
    return file
  }

  #call<T>(call: string, subject: string, body: () => T): T {
    try {
      return body()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw new SystemCallError(call, error.errno, `${subject}: ${error.message}`)
    }
  }
}

/** Tells as a thread that polls does: never inside of what made the file readable, and again until it is read empty. */
class Watcher {
  readonly #file: NodeFile
  readonly #callback: () => void
  #due = false
  #stopped = false

  constructor(file: NodeFile, callback: () => void) {
    this.#file = file
    this.#callback = callback
    file.onReadable = () => this.#tellLater()
    this.#tellLater()
  }

  stop(): void {
    this.#stopped = true
    this.#file.onReadable = () => {}
  }

  #tellLater(): void {
    if (this.#due) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      if (this.#stopped || !this.#file.readable) return
      this.#callback()
      this.#tellLater()
    })
  }
}
