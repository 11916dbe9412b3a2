import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FetchedPackages, NotRun } from '@split-driver/debian'
import { compileShim } from './compile-shim.js'
import type { Daemon } from './daemon.js'
import { EventSocket } from './event-socket.js'
import { filePage, PAGE_BYTES } from './guest-page.js'
import { peerPackages, XEN_RELEASE } from './peer-packages.js'

export type PeerName = 'C xenstored' | 'oxenstored'

/** A XenStore daemon of Xen's own, running on this machine without Xen. */
export interface OriginalDaemon extends Daemon {
  readonly name: PeerName
  /** Of the package, such as `4.17.5+72-g01140da4e8-1`. */
  readonly version: string
  readonly pid: number
  /** How it ended by itself, with what it said, if it did. */
  ending(): string | undefined
}

/**
 * Starts one in a folder of its own; any number run at once. It ends with its disposal, and when this process ends in
 * whatever way.
 * @throws NotRun where packages, compiler or machine are missing
 */
export async function startPeer(name: PeerName): Promise<OriginalDaemon> {
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
    child = spawnDaemon(name, packages, home, shim)
    complaint = complaintsOf(child)
    await serves(child, events, name, complaint)
  } catch (error) {
    await end()
    throw error
  }
  return {
    ...guestsOf(home, events),
    name,
    version: versionOf(packages),
    socketPath: join(home, 'socket'),
    pid: child.pid ?? 0,
    ending: () => endingOf(child, complaint()),
    [Symbol.asyncDispose]: end,
  }
}

/** As bench/c/xenstored-shim.c knows domains: by the files that are their ring pages. */
function guestsOf(home: string, events: EventSocket): Pick<Daemon, 'createGuest' | 'destroyGuest'> {
  const pageOf = (domid: number) => join(home, `domain-${domid}`)
  return {
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

/** It takes one watch more than its quota says; by this one it takes 128, as ours does. */
const OXENSTORED_WATCHES = 127

/** The package's own settings but for the quota of watches. @returns the file */
function oxenstoredSettings({ root }: FetchedPackages, home: string): string {
  const settings = readFileSync(root.at('/etc/xen/oxenstored.conf'), 'utf8')
  const file = join(home, 'oxenstored.conf')
  writeFileSync(file, settings.replace(/^quota-maxwatch = .*$/m, `quota-maxwatch = ${OXENSTORED_WATCHES}`))
  return file
}

function spawnDaemon(name: PeerName, packages: FetchedPackages, home: string, shim: string): ChildProcess {
  const { root } = packages
  writeFileSync(join(home, 'xsd_kva'), new Uint8Array(PAGE_BYTES))
  writeFileSync(join(home, 'xsd_port'), '2')
  const argumentsOf: Record<PeerName, readonly string[]> = {
    'C xenstored': ['xenstored', '--no-fork', '--internal-db', `--pid-file=${join(home, 'xenstored.pid')}`],
    oxenstored: ['oxenstored', '--no-fork', '--no-access-log', '--config-file', oxenstoredSettings(packages, home)],
  }
  const [program, ...args] = argumentsOf[name]
  const [command, ...rest] = root.command(`/usr/lib/xen-${XEN_RELEASE}/bin/${program}`, args)
  const env = { XENSTORED_SHIM_HOME: home, XENSTORED_RUNDIR: home, XENSTORED_ROOTDIR: home, LD_PRELOAD: shim }
  return spawn(command, rest, { env, stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Both daemons listen at their socket before they tell domain 0 that XenStore is there. */
async function serves(
  child: ChildProcess,
  events: EventSocket,
  name: PeerName,
  complaint: () => string,
): Promise<void> {
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

function versionOf({ archives }: FetchedPackages): string {
  const [, version = ''] = /^xen-utils-[\d.]+_(.*)_amd64\.deb$/m.exec(archives.join('\n')) ?? []
  return decodeURIComponent(version)
}
