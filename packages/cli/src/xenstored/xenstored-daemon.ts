import { XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import {
  liveUpdateCommand,
  type QuotaValues,
  type ResumeOptions,
  type SavedState,
  XenstoreServer,
  type XenstoreServerOptions,
} from '@split-driver/xenstored'
import { FileConsole, JournalFolder, ProcessSuccessor, type XenstoreSocketServer } from '@split-driver/xenstored/node'
import { DaemonOfParts } from '../daemon/daemon-of-parts.js'
import type { Log } from '../logging/log.js'
import { logXenstored } from './log-xenstored.js'
import { PidFile } from './pid-file.js'
import type { StoreMachine } from './store-machine.js'
import { openSockets } from './store-sockets.js'

export interface XenstoredOptions {
  /** Unix sockets at which it listens. */
  readonly sockets: readonly string[]
  /** Where the store is kept; with `sync`, the disk is waited for. */
  readonly persist?: { readonly folder: string; readonly sync: boolean }
  /** What differs from the original's defaults. */
  readonly quotas?: Partial<QuotaValues>
  /** Holds our process id as long as we serve. */
  readonly pidFile?: string
  /** Where relative names of the files begin that CONTROL has written. */
  readonly logFolder: string
  /** Requests and replies are logged to this file. */
  readonly traceFile?: string
  /** Where one program leaves its state for the next, in a live update. */
  readonly stateFile: string
  /** What the program before this one in the process has left, to go on with. */
  readonly saved?: SavedState | undefined
  readonly log: Log
}

/** A XenStore in a process of its own, for this machine's domains and for whoever may use its sockets. */
export class XenstoredDaemon extends DaemonOfParts {
  /** @throws XenError EBUSY if a daemon lives at a socket; else what says which place is of no use. Nothing stays open */
  static async open(machine: StoreMachine, options: XenstoredOptions): Promise<XenstoredDaemon> {
    const daemon = new XenstoredDaemon()
    return daemon.openParts(() => daemon.#open(machine, options))
  }

  async #open({ platform, ports, options: ofMachine }: StoreMachine, options: XenstoredOptions): Promise<void> {
    const { persist, pidFile, log, stateFile: file, saved } = options
    const journal = persist && (await openJournal(persist.folder, persist.sync, log))
    if (journal !== undefined) this.atEnd(() => journal[Symbol.asyncDispose]())
    const sockets: XenstoreSocketServer[] = []
    const successor = await ProcessSuccessor.load({ clock: platform.clock, sockets, ports, file })
    let running: XenstoreServer | undefined
    this.atEnd(async () => running?.[Symbol.dispose]())
    const begin = (resume?: ResumeOptions): XenstoreServer => {
      const server: XenstoreServer = new XenstoreServer(platform, {
        ...ofMachine,
        ...serverOptions(options),
        ...(journal && { journal }),
        ...(resume && { resume }),
        commands: successor ? [liveUpdateCommand({ successor, server: () => server })] : [],
      })
      running = server
      logXenstored(server, log)
      return server
    }
    this.atEnd(async () => {
      await this.#settle(platform.clock, journal)
      await Promise.all(sockets.map((socket) => socket[Symbol.asyncDispose]()))
    })
    await openSockets({ paths: options.sockets, sockets, saved, begin, log })
    if (pidFile === undefined) return
    const held = await PidFile.write(pidFile)
    this.atEnd(() => held[Symbol.asyncDispose]())
  }

  /** What clients have sent until now is read and answered. */
  async #settle(clock: Clock, journal: JournalFolder | undefined): Promise<void> {
    for (let turn = 0; turn < SETTLING_TURNS; turn++)
      await new Promise<void>((resolve) => void clock.setTimer(0, resolve))
    journal?.flush()
  }
}

/** Until what lies in a socket is read, and the replies are written. */
const SETTLING_TURNS = 2

const openJournal = async (folder: string, sync: boolean, log: Log): Promise<JournalFolder> => {
  const onNote = (note: string): void => log.warn({ event: 'persist', folder }, note)
  try {
    return await JournalFolder.open(folder, { sync, onNote })
  } catch (error) {
    if (XenError.is(error)) throw error
    throw new XenError('EACCES', `cannot keep the store in ${folder}: ${(error as Error).message}`, { cause: error })
  }
}

const serverOptions = ({ quotas = {}, logFolder, traceFile, log }: XenstoredOptions): XenstoreServerOptions => ({
  quotas,
  console: new FileConsole(logFolder, (text) => log.info({ event: 'console' }, text)),
  ...(traceFile === undefined ? {} : { traceFile }),
})
