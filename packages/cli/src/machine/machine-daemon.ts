import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmulatedHost, Inspection } from '@split-driver/emulator'
import type { Platform } from '@split-driver/platform'
import type { XenstoreServer } from '@split-driver/xenstored'
import { BlkbackDaemon } from '../blkback/blkback-daemon.js'
import { logBlkback } from '../blkback/log-blkback.js'
import { ConsoledDaemon } from '../consoled/consoled-daemon.js'
import { logConsoled } from '../consoled/log-consoled.js'
import type { ControlHandlers } from '../control/control-connection.js'
import { ControlServer } from '../control/control-server.js'
import { machineFolder, prepareSocketFolder } from '../control/socket-path.js'
import type { Daemon } from '../daemon/daemon.js'
import { DomainAllowance } from '../logging/domain-allowance.js'
import type { Log } from '../logging/log.js'
import { FactGatherer } from '../why/gather-facts.js'
import { ConsoleReadiness } from './console-readiness.js'
import { controlHandlers } from './control-handlers.js'
import { CoreDumps } from './core-dumps.js'
import { DomainDisks } from './domain-disks.js'
import { DomainKeeper } from './domain-keeper.js'
import { logMachine } from './log-machine.js'
import { XenstoreSocket } from './xenstore-socket.js'

export interface MachineDaemonOptions {
  /** Where the machine listens for its commands; the other sockets lie in a folder beside it. */
  readonly socketPath: string
  /** Folder in which each domain's output is appended to `domain-<domid>.log`; no logs unless given. */
  readonly logFolder?: string
  /** Folder for the core dumps that `on_crash="coredump-…"` asks for; they are dropped unless given. */
  readonly dumpFolder?: string
  readonly log: Log
}

/** A booted host, and the XenStore daemon in it. Who booted it ends it. */
export interface BootedHost {
  readonly host: EmulatedHost
  readonly xenstored: XenstoreServer
  /** The control domain as its daemons shall see it, for example traced; the host's own platform unless given. */
  readonly dom0?: Platform
}

/** Guests may be given any image that this user can open: who may use the control socket names them. */
const ALL_IMAGES = { path: '/', readOnly: false, sectorBytes: 512, asynchronous: false }

/** An emulated host that is served: block backend, console daemon, XenStore's socket, and the control socket. */
export class MachineDaemon implements Daemon {
  /** It lives as long as its process. */
  readonly lost = new Promise<Error>(() => undefined)
  /** What ends each part, in the order in which they began. */
  readonly #endings: (() => Promise<unknown>)[] = []
  #closed: Promise<void> | undefined

  /**
   * @throws XenError EBUSY if a living machine has that socket; EACCES, EINVAL for places that cannot be used. Nothing stays
   * open then
   */
  static async open(booted: BootedHost, options: MachineDaemonOptions): Promise<MachineDaemon> {
    const daemon = new MachineDaemon()
    try {
      await daemon.#open(booted, options)
      return daemon
    } catch (error) {
      await daemon.close()
      throw error
    }
  }

  /** Ends the domains, then what serves them. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(
    { host, xenstored, dom0 = host.dom0 }: BootedHost,
    { socketPath, logFolder, dumpFolder, log }: MachineDaemonOptions,
  ): Promise<void> {
    const { toolstack } = host
    const folder = machineFolder(socketPath)
    await prepareSocketFolder(socketPath)
    // It keeps a second machine out from here on; what is asked meanwhile is answered when all is there.
    let open: (handlers: ControlHandlers) => void = () => undefined
    const handlers = new Promise<ControlHandlers>((resolve) => {
      open = resolve
    })
    const control = await ControlServer.listen(socketPath, handlers)
    this.#endings.push(() => control[Symbol.asyncDispose]())
    this.#endings.push(() => rm(folder, { recursive: true, force: true }))
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const guestLog = new DomainAllowance(log, dom0.clock)
    const consoled = new ConsoledDaemon(dom0, {
      socketFolder: folder,
      ...(logFolder === undefined ? {} : { logFolder }),
    })
    const blkback = new BlkbackDaemon(dom0, { kind: 'vbd', logLevel: 'info', images: {}, folders: [ALL_IMAGES] })
    logConsoled(consoled, guestLog)
    logBlkback(blkback, guestLog)
    const consoles = new ConsoleReadiness(consoled, dom0.clock)
    this.#endings.push(() => consoled.close())
    await consoled.open()
    this.#endings.push(() => blkback.close())
    await blkback.open()
    const xenstoreSocket = join(folder, 'xenstored')
    const storeSocket = await XenstoreSocket.listen(xenstoreSocket, xenstored)
    this.#endings.push(() => storeSocket[Symbol.asyncDispose]())
    const dumps = await CoreDumps.open(toolstack, dumpFolder, log)
    this.#endings.push(() => dumps.close())
    logMachine(toolstack, guestLog)
    const disks = new DomainDisks(host)
    const keeper = new DomainKeeper({ host, disks, consoles })
    this.#endings.push(() => keeper.close())
    const gatherer = new FactGatherer(host.store, new Inspection(host.machine))
    open(
      controlHandlers({
        toolstack,
        emergencyConsole: host.machine.emergencyConsole,
        keeper,
        disks,
        gatherer,
        xenstoreSocket,
        consoleFolder: folder,
      }),
    )
  }

  async #end(): Promise<void> {
    for (const end of this.#endings.reverse()) await end()
  }
}
