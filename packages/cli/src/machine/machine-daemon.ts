import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmulatedHost, Inspection } from '@split-driver/emulator'
import type { Platform } from '@split-driver/platform'
import type { XenstoreServer } from '@split-driver/xenstored'
import { XenstoreSocketServer } from '@split-driver/xenstored/node'
import { BlkbackDaemon } from '../blkback/blkback-daemon.js'
import { logBlkback } from '../blkback/log-blkback.js'
import { ConsoledDaemon } from '../consoled/consoled-daemon.js'
import { logConsoled } from '../consoled/log-consoled.js'
import type { ControlHandlers } from '../control/control-connection.js'
import { ControlServer } from '../control/control-server.js'
import { machineFolder, prepareSocketFolder } from '../control/socket-path.js'
import { DaemonOfParts } from '../daemon/daemon-of-parts.js'
import { DomainAllowance } from '../logging/domain-allowance.js'
import type { Log } from '../logging/log.js'
import { FactGatherer } from '../why/gather-facts.js'
import { ConsoleReadiness } from './console-readiness.js'
import { controlHandlers } from './control-handlers.js'
import { CoreDumps } from './core-dumps.js'
import { DomainDisks } from './domain-disks.js'
import { DomainKeeper } from './domain-keeper.js'
import { logMachine } from './log-machine.js'

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
const ALL_IMAGES = { path: '/', readOnly: false, sectorBytes: 512, asynchronous: false, shared: false }

/** An emulated host that is served: block backend, console daemon, XenStore's socket, and the control socket. */
export class MachineDaemon extends DaemonOfParts {
  /**
   * @throws XenError EBUSY if a living machine has that socket; EACCES, EINVAL for places that cannot be used. Nothing stays
   * open then
   */
  static async open(booted: BootedHost, options: MachineDaemonOptions): Promise<MachineDaemon> {
    const daemon = new MachineDaemon()
    return daemon.openParts(() => daemon.#open(booted, options))
  }

  async #open(booted: BootedHost, options: MachineDaemonOptions): Promise<void> {
    const { socketPath } = options
    await prepareSocketFolder(socketPath)
    // It keeps a second machine out from here on; what is asked meanwhile is answered when all is there.
    let open: (handlers: ControlHandlers) => void = () => undefined
    const handlers = new Promise<ControlHandlers>((resolve) => {
      open = resolve
    })
    const control = await ControlServer.listen(socketPath, handlers)
    this.atEnd(() => control[Symbol.asyncDispose]())
    const folder = machineFolder(socketPath)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    this.atEnd(() => removeIfEmpty(folder))
    const guestLog = new DomainAllowance(options.log, booted.host.dom0.clock)
    const consoles = await this.#serveDevices(booted, options, guestLog)
    open(await this.#serveDomains(booted, options, guestLog, consoles))
  }

  /** The daemons that a host's domain 0 has. */
  async #serveDevices(
    { host, xenstored, dom0 = host.dom0 }: BootedHost,
    { socketPath, logFolder }: MachineDaemonOptions,
    log: Log,
  ): Promise<ConsoleReadiness> {
    const folder = machineFolder(socketPath)
    const logs = logFolder === undefined ? {} : { logFolder }
    const consoled = new ConsoledDaemon(dom0, { socketFolder: folder, ...logs })
    const blkback = new BlkbackDaemon(dom0, { kind: 'vbd', logLevel: 'info', images: {}, folders: [ALL_IMAGES] })
    logConsoled(consoled, log)
    logBlkback(blkback, log)
    const consoles = new ConsoleReadiness(consoled, dom0.clock)
    this.atEnd(() => consoled.close())
    await consoled.open()
    this.atEnd(() => blkback.close())
    await blkback.open()
    const storeSocket = await XenstoreSocketServer.listen(xenstored, { path: xenstoreSocketIn(folder) })
    this.atEnd(() => storeSocket[Symbol.asyncDispose]())
    return consoles
  }

  /** What `xl` does on a host. */
  async #serveDomains(
    { host }: BootedHost,
    { socketPath, dumpFolder }: MachineDaemonOptions,
    log: Log,
    consoles: ConsoleReadiness,
  ): Promise<ControlHandlers> {
    const { toolstack, machine } = host
    const dumps = await CoreDumps.open(toolstack, dumpFolder, log)
    this.atEnd(() => dumps.close())
    logMachine(toolstack, log)
    const disks = new DomainDisks(host)
    const keeper = new DomainKeeper({ host, disks, consoles })
    this.atEnd(() => keeper.close())
    const consoleFolder = machineFolder(socketPath)
    return controlHandlers({
      toolstack,
      emergencyConsole: machine.emergencyConsole,
      keeper,
      disks,
      gatherer: new FactGatherer(host.store, new Inspection(machine)),
      xenstoreSocket: xenstoreSocketIn(consoleFolder),
      consoleFolder,
    })
  }
}

const xenstoreSocketIn = (folder: string): string => join(folder, 'xenstored')

/** What somebody else has put there stays. */
const removeIfEmpty = (folder: string): Promise<void> => rmdir(folder).catch(() => undefined)
