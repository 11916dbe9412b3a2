import type { Domid } from '@split-driver/abi'
import type { AttachedDevice, XenStore } from '@split-driver/xenbus'
import { agentInit } from '../guest/guest-init.js'
import type { Lab } from '../scenario.js'
import { AgentLine, type CommandAnswer, type ConsoleLine } from './agent-line.js'
import { command } from './command.js'
import { createDomain, destroyDomain, hasShutDown } from './domain.js'
import { guestImage } from './guest-image.js'
import { inTime, until } from './patience.js'
import { openPtyLine } from './pty-line.js'
import { attachDisk, type DiskOptions } from './virtual-disk.js'

/** Seconds under pure emulation. */
const BOOT_SECONDS = 180
const COMMAND_SECONDS = 120
const END_SECONDS = 60

/** Lines of the guest's kernel log in an error. */
const REPORTED_LINES = 25

export interface LinuxGuestOptions {
  readonly name: string
  /** 192 unless given, 640 with Node. */
  readonly memoryMiB?: number
  /** Disks that it boots with. */
  readonly disks?: readonly DiskOptions[]
  /** Disks that libxl attaches. @see DomainPlan */
  readonly xlDisks?: readonly string[]
  /** With XenStore's own command-line tool. False unless given. */
  readonly withXenstore?: boolean
  /** With Node, this project in /split-driver, and /dev/xen; without blkfront then. False unless given. */
  readonly withNode?: boolean
}

/** What a scenario needs of dom0 to have guests. */
export interface GuestHost {
  readonly lab: Lab
  /** Privileged. */
  readonly xenstore: XenStore
}

/** A Linux guest that runs commands for a scenario, through its console. It is destroyed when the scenario ends. */
export class LinuxGuest {
  readonly name: string
  readonly domid: Domid
  readonly #store: XenStore
  readonly #line: ConsoleLine
  readonly #agent: AgentLine
  readonly #devices: AttachedDevice[] = []
  #gone = false

  /** Returns when the guest takes commands. @throws Error with the end of its kernel's log if it does not in time */
  static async boot({ lab, xenstore }: GuestHost, options: LinuxGuestOptions): Promise<LinuxGuest> {
    const { name, withNode = false, withXenstore = false, disks = [], xlDisks = [] } = options
    const image = guestImage({
      name: `agent${withNode ? '-with-node' : ''}${withXenstore ? '-with-xenstore' : ''}`,
      init: (modules) => agentInit({ modules, prepare: withNode ? 'mount -t xenfs xenfs /proc/xen' : ':' }),
      withNode,
      programs: withXenstore ? ['/usr/bin/xenstore'] : [],
    })
    const memoryMiB = options.memoryMiB ?? (withNode ? 640 : 192)
    const domid = await createDomain(lab, { name, image, memoryMiB, kernelArguments: 'loglevel=4', disks: xlDisks })
    lab.atEnd(() => destroyDomain(domid))
    const line = await openConsole(xenstore, domid)
    const guest = new LinuxGuest(name, domid, xenstore, line)
    lab.atEnd(() => guest.destroy())
    for (const disk of disks) await guest.attach(disk)
    await command('xl', ['unpause', String(domid)])
    await guest.#answered(BOOT_SECONDS, 'its boot', guest.#agent.ready())
    return guest
  }

  private constructor(name: string, domid: Domid, store: XenStore, line: ConsoleLine) {
    this.name = name
    this.domid = domid
    this.#store = store
    this.#line = line
    this.#agent = new AgentLine(line)
  }

  /** Runs shell commands in the guest. @throws Error with the end of its kernel's log if it does not answer in time */
  run(commands: string, seconds = COMMAND_SECONDS): Promise<CommandAnswer> {
    return this.#answered(seconds, `\`${commands.slice(0, 200)}\``, this.#agent.ask(commands))
  }

  /** As `run`, of commands that must end with status 0. @returns what they wrote, without white space around it */
  async output(commands: string, seconds?: number): Promise<string> {
    const { status, output } = await this.run(commands, seconds)
    if (status === 0) return output.trim()
    throw this.#error(`\`${commands.slice(0, 200)}\` ended with status ${status}: ${output.slice(-2000)}`)
  }

  /** Attaches a disk; the guest may be running. The two directories go with the guest. */
  async attach(disk: DiskOptions): Promise<AttachedDevice> {
    const device = await attachDisk(this.#store, this.domid, disk)
    this.#devices.push(device)
    return device
  }

  /** Ends the guest as pulling the plug would, and removes what XenStore has of its devices. Idempotent. */
  async destroy(): Promise<void> {
    if (this.#gone) return
    this.#gone = true
    this.#line[Symbol.dispose]()
    await destroyDomain(this.domid)
    for (const device of this.#devices) await device.remove()
  }

  /** Lets the guest end itself in order. */
  async poweroff(): Promise<void> {
    await this.run('sync')
    // There is no answer to this one.
    void this.#agent.ask('poweroff -f').catch(() => undefined)
    await until(END_SECONDS, `domain ${this.domid} to shut down`, () => hasShutDown(this.domid))
    await this.destroy()
  }

  get kernelLog(): string {
    return this.#agent.kernelLog
  }

  async #answered<T>(seconds: number, what: string, answer: Promise<T>): Promise<T> {
    try {
      return await inTime(seconds, what, answer)
    } catch (error) {
      throw this.#error((error as Error).message)
    }
  }

  #error(what: string): Error {
    const log = this.kernelLog.split('\n').slice(-REPORTED_LINES).join('\n')
    return new Error(`guest ${this.name} (domain ${this.domid}): ${what}\n--- end of its kernel's log ---\n${log}`)
  }
}

const openConsole = async (store: XenStore, domid: Domid): Promise<ConsoleLine> => {
  const key = `/local/domain/${domid}/console/tty`
  return openPtyLine(await until(END_SECONDS, `xenconsoled to serve domain ${domid}`, () => store.tryRead(key)))
}
