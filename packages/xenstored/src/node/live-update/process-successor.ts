import { accessSync, constants, existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { XenError } from '@split-driver/abi'
import type { PortBequest } from '@split-driver/evtchn'
import type { Clock } from '@split-driver/platform'
import type { Successor, SuccessorProgram } from '../../control/live-update-command.js'
import type { SaveOptions } from '../../state/save-server.js'
import { readSavedState, type SavedState } from '../../state/supplement/saved-state.js'
import { errnoException } from '../errno-exception.js'
import type { SocketLibrary } from '../socket-library.js'
import { loadSocketLibrary } from '../socket-library.js'
import type { XenstoreSocketServer } from '../xenstore-socket-server.js'

/** @see fcntl.h */
const F_SETFD = 2
const FD_CLOEXEC = 1

/** Node marks even these to be closed. */
const STANDARD_FDS = [0, 1, 2]

/** Tells a program that it is to go on with what it finds. @see xen/tools/xenstored/core.c */
const RESUME_OPTION = '-U'

const FILE_NAME = 'state_dump'

/** Where one program leaves its state for the next. @see xen/tools/xenstored/lu.c lu_dump_open */
export const stateFile = (environment: NodeJS.ProcessEnv = process.env): string =>
  join(environment['XENSTORED_RUNDIR'] ?? '/run/xenstored', FILE_NAME)

/** Where Xen up to 4.17 leaves it, and looks for it. */
const formerStateFile = (environment: NodeJS.ProcessEnv): string =>
  join(environment['XENSTORED_ROOTDIR'] ?? '/var/lib/xenstored', FILE_NAME)

/** Tells the next program, of whichever release, to look for the state where it is. */
const environmentFor = (file: string): NodeJS.ProcessEnv => ({
  ...process.env,
  XENSTORED_RUNDIR: dirname(file),
  XENSTORED_ROOTDIR: dirname(file),
})

/**
 * The state that another program left in this process.
 * @param expected where it is looked for first
 * @throws XenError ENOENT if there is none, EPROTO if it is none
 */
export const takeSavedState = (expected = stateFile()): SavedState => {
  const file = [expected, stateFile(), formerStateFile(process.env)].find(existsSync)
  if (file === undefined) throw new XenError('ENOENT', `no state of another XenStore daemon is at ${expected}`)
  const bytes = readFileSync(file)
  rmSync(file)
  return readSavedState(bytes)
}

/** The descriptor of the event channels that the program before has left open, if it has. */
export const inheritedEvents = ({ stream }: SavedState): number | undefined => {
  const record = stream.records.find(({ kind }) => kind === 'GLOBAL_DATA')
  return record?.kind === 'GLOBAL_DATA' && record.evtchnFd >= 0 ? record.evtchnFd : undefined
}

export interface ProcessSuccessorOptions {
  readonly clock: Clock
  /** May be added to later. */
  readonly sockets: readonly XenstoreSocketServer[]
  /** Whence ports are left to the next program; without it they end with this one. */
  readonly ports?: PortBequest | undefined
  /** Where the state is left; `stateFile()` unless given. */
  readonly file?: string
}

/** Another program in this process, by execve: open sockets stay open, and so do event channels. */
export class ProcessSuccessor implements Successor {
  readonly clock: Clock
  readonly #library: SocketLibrary
  readonly #sockets: readonly XenstoreSocketServer[]
  readonly #ports: PortBequest | undefined
  readonly #file: string

  /** @returns `undefined` where the kernel's own calls cannot be had */
  static async load(options: ProcessSuccessorOptions): Promise<ProcessSuccessor | undefined> {
    const library = await loadSocketLibrary()
    return library && new ProcessSuccessor(library, options)
  }

  private constructor(library: SocketLibrary, { clock, sockets, ports, file = stateFile() }: ProcessSuccessorOptions) {
    this.clock = clock
    this.#library = library
    this.#sockets = sockets
    this.#ports = ports
    this.#file = file
  }

  problemOf(file: string): string | undefined {
    try {
      if (!statSync(file).isFile()) return `${file} is no file.`
      accessSync(file, constants.X_OK)
      return undefined
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return code === 'EACCES' ? `${file} may not be executed.` : `${file} cannot be read: ${code}.`
    }
  }

  become(program: SuccessorProgram, save: (options: SaveOptions) => Uint8Array): never {
    const bequests = this.#sockets.map(({ path, bequest }) => ({ path, bequest }))
    const fds: number[] = []
    const fdOf: SaveOptions['fdOf'] = (channel) => {
      const fd = bequests.map(({ bequest }) => bequest?.fdOf(channel)).find((each) => each !== undefined)
      if (fd !== undefined) fds.push(fd)
      return fd
    }
    const listeners = bequests.flatMap(({ path, bequest }) => (bequest === undefined ? [] : [{ path, fd: bequest.fd }]))
    const evtchnFd = this.#ports?.bequeath()
    writeFileSync(this.#file, save({ fdOf, listeners, evtchnFd }), { mode: 0o600 })
    const events = evtchnFd === undefined ? [] : [evtchnFd]
    const kept = [...STANDARD_FDS, ...fds, ...listeners.map(({ fd }) => fd), ...events]
    try {
      for (const fd of kept) this.#keepOnExec(fd, true)
      this.#execute(program)
    } catch (error) {
      for (const fd of kept) this.#keepOnExec(fd, false)
      rmSync(this.#file, { force: true })
      throw error
    }
  }

  #execute({ file, commandLine }: SuccessorProgram): never {
    const given = commandLine?.split(/\s+/).filter((word) => word !== '') ?? ownArguments(file)
    const argv = [file, ...given, ...(given.includes(RESUME_OPTION) ? [] : [RESUME_OPTION])]
    const environment = Object.entries(environmentFor(this.#file)).map(([name, value]) => `${name}=${value}`)
    this.#library.execve(file, [...argv, null], [...environment, null])
    throw errnoException('execve', this.#library.errno())
  }

  #keepOnExec(fd: number, keep: boolean): void {
    if (this.#library.fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC) < 0)
      throw new XenError(
        'EIO',
        `descriptor ${fd} cannot be kept: ${errnoException('fcntl', this.#library.errno()).message}`,
      )
  }
}

/** What this program was called with: after Node's own arguments, if the next is Node, too. */
const ownArguments = (file: string): string[] =>
  realpathSync(file) === realpathSync(process.execPath)
    ? [...process.execArgv, ...process.argv.slice(1)]
    : process.argv.slice(2)
