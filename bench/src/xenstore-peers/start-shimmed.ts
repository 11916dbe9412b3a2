import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FetchedPackages, NotRun } from '@split-driver/debian'
import { compileShim } from './compile-shim.js'
import type { Daemon } from './daemon.js'
import { EventSocket } from './event-socket.js'
import { filePage, PAGE_BYTES } from './guest-page.js'
import { peerPackages } from './peer-packages.js'

/** A XenStore daemon in a process of its own, below which bench/c/xenstored-shim.c stands in place of Xen. */
export interface ShimmedDaemon extends Daemon {
  readonly pid: number
  readonly packages: FetchedPackages
  /** Everybody's event channels at the daemon. */
  readonly events: EventSocket
  /** The file that is a guest's ring page. */
  pageOf(domid: number): string
  /** How it ended by itself, with what it said, if it did. */
  ending(): string | undefined
}

/** What is executed, with its arguments. */
export type CommandLine = readonly [program: string, ...args: string[]]

/**
 * Starts one in a folder of its own; any number run at once. It ends with its disposal, and when this process ends in
 * whatever way.
 * @param commandLine of a daemon that serves `home`/socket, and notifies domain 0 once it does
 * @throws NotRun where packages, compiler or machine are missing
 */
export async function startShimmed(
  name: string,
  commandLine: (packages: FetchedPackages, home: string) => CommandLine,
): Promise<ShimmedDaemon> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new NotRun(`Xen's daemons are for Linux on x86-64, and this is ${process.platform} on ${process.arch}`)
  }
  const packages = await peerPackages()
  const shim = compileShim(packages.root)
  // A Unix socket's path has at most 107 bytes; that of a checkout can be longer.
  const home = mkdtempSync(join(tmpdir(), 'xenstored-'))
  const events = await EventSocket.listen(join(home, 'hypervisor'))
  let child: ChildProcess | undefined
  const kill = () => child?.kill('SIGKILL')
  const leaveNothing = () => {
    kill()
    rmSync(home, { recursive: true, force: true })
  }
  process.once('exit', leaveNothing)
  const end = async () => {
    kill()
    process.removeListener('exit', leaveNothing)
    if (child !== undefined) await ended(child)
    await events[Symbol.asyncDispose]()
    rmSync(home, { recursive: true, force: true })
  }
  let complaint = () => ''
  try {
    child = spawnDaemon(commandLine(packages, home), home, shim)
    complaint = complaintsOf(child)
    await serves(child, events, name, complaint)
  } catch (error) {
    await end()
    throw error
  }
  return {
    ...guestsOf(home, events),
    name,
    packages,
    events,
    socketPath: join(home, 'socket'),
    pid: child.pid ?? 0,
    ending: () => endingOf(child, complaint()),
    [Symbol.asyncDispose]: end,
  }
}

/** As bench/c/xenstored-shim.c knows domains: by the files that are their ring pages. */
function guestsOf(home: string, events: EventSocket): Pick<ShimmedDaemon, 'createGuest' | 'destroyGuest' | 'pageOf'> {
  const pageOf = (domid: number) => join(home, `domain-${domid}`)
  return {
    pageOf,
    createGuest: (domid) =>
      filePage(pageOf(domid), {
        notify: () => events.notify(domid),
        listen: (onEvent) => events.listen(domid, onEvent),
      }),
    destroyGuest: (domid) => {
      rmSync(pageOf(domid))
      events.domainsChanged()
    },
  }
}

function spawnDaemon([program, ...args]: CommandLine, home: string, shim: string): ChildProcess {
  writeFileSync(join(home, 'xsd_kva'), new Uint8Array(PAGE_BYTES))
  writeFileSync(join(home, 'xsd_port'), '2')
  const env = { XENSTORED_SHIM_HOME: home, XENSTORED_RUNDIR: home, XENSTORED_ROOTDIR: home, LD_PRELOAD: shim }
  return spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Daemons listen at their socket before they tell domain 0 that XenStore is there. */
async function serves(child: ChildProcess, events: EventSocket, name: string, complaint: () => string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    events.listen(0, resolve)
    child.once('error', (error) => reject(new NotRun(`${name} does not start: ${error.message}`)))
    child.once('close', () => {
      reject(new NotRun(`${name} ${endingOf(child, complaint())} instead of serving`))
    })
  })
}

/** The last of what it prints as errors. */
function complaintsOf(child: ChildProcess): () => string {
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000)
  })
  return () => complaint
}

function endingOf({ exitCode, signalCode }: ChildProcess, complaint: string): string | undefined {
  if (exitCode === null && signalCode === null) return undefined
  return `ended with ${signalCode ?? exitCode}: ${complaint.trim()}`
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}
