import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Domid } from '@split-driver/abi'
import type { BlkifBackendStats } from '@split-driver/blkif'
import type { Vcpu } from '@split-driver/emulator'
import { DemoMachine, describeExit } from './boot.js'
import { assertUsable, copyImage, makeImage, UnusableDisk } from './disk-image.js'
import type { Dom0Message } from './dom0.js'
import { type GuestReport, REPORT_KEY } from './guest.js'
import { type ImageContent, lookInto } from './host-view.js'
import type { DemoOptions } from './options.js'

/** One thing that must hold. */
export interface Check {
  readonly what: string
  readonly held: boolean
}

/** What became of one guest. */
export interface GuestResult {
  readonly name: string
  readonly domid: Domid
  readonly report: GuestReport | undefined
  readonly backend: BlkifBackendStats | undefined
  readonly checks: readonly Check[]
}

export interface DemoResult {
  readonly mode: 'threads' | 'inline'
  readonly guests: readonly GuestResult[]
  readonly checks: readonly Check[]
  readonly seconds: number
}

/** Shows a person what happens while it happens. */
export interface Audience {
  step(text: string): void
  console(name: string, line: string): void
}

interface StartedGuest {
  readonly name: string
  readonly domid: Domid
  readonly vcpu: Vcpu
  /** Its own copy of the disk. */
  readonly image: string
}

/** Longer than this, and something hangs. */
const LIMIT_SECONDS = 300

/** Boots the machine, lets the guests work, checks their work from the host. @throws UnusableDisk */
export const runDemo = async (options: DemoOptions, audience: Audience): Promise<DemoResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'split-driver-demo-'))
  try {
    return await new Demo(options, audience, folder).run()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

class Demo {
  readonly #options: DemoOptions
  readonly #audience: Audience
  readonly #folder: string
  readonly #names = new Map<Domid, string>()
  readonly #backends = new Map<Domid, BlkifBackendStats>()
  readonly #faults: string[] = []
  readonly #closedConsoles = new Set<Domid>()
  #shuttingDown = false
  #onMessage: () => void = () => {}

  constructor(options: DemoOptions, audience: Audience, folder: string) {
    this.#options = options
    this.#audience = audience
    this.#folder = folder
  }

  async run(): Promise<DemoResult> {
    const began = performance.now()
    const { path: image, origin } = await this.#image()
    const expected = await readExpected(image)
    this.#audience.step(`disk: ${origin}`)
    const { inline, guests: count } = this.#options
    this.#audience.step(
      `booting a machine with dom0 and ${count} guest${count === 1 ? '' : 's'}, ${inline ? 'all in one thread' : 'each in a worker thread of its own'}`,
    )
    const machine = await DemoMachine.boot(inline, (message) => this.#hear(message))
    const started: StartedGuest[] = []
    for (let i = 1; i <= count; i++) started.push(await this.#startGuest(machine, `guest-${i}`, image))
    const guests = await Promise.all(started.map((guest) => this.#finishGuest(machine, guest, expected)))
    this.#shuttingDown = true
    const open = await machine.shutDown()
    const checks = [
      { what: 'nothing went wrong in dom0', held: this.#faults.length === 0 },
      { what: 'the ledger is empty', held: open.length === 0 },
    ]
    for (const problem of [...this.#faults, ...open]) this.#audience.step(problem)
    return { mode: inline ? 'inline' : 'threads', guests, checks, seconds: (performance.now() - began) / 1000 }
  }

  async #image(): Promise<{ path: string; origin: string }> {
    const { disk } = this.#options
    if (disk === undefined) return makeImage(this.#folder)
    await assertUsable(disk)
    return { path: disk, origin: `${disk}; each guest works on a copy` }
  }

  async #startGuest(machine: DemoMachine, name: string, from: string): Promise<StartedGuest> {
    const image = await copyImage(from, this.#folder, name)
    const { guest, vcpu } = await machine.startGuest(name, image)
    this.#names.set(guest.domid, name)
    return { name, domid: guest.domid, vcpu, image }
  }

  async #finishGuest(machine: DemoMachine, guest: StartedGuest, expected: ImageContent): Promise<GuestResult> {
    const { name, domid, vcpu, image } = guest
    const exit = await withLimit(vcpu.exited, `${name} to halt`)
    if (exit.how !== 'halted') this.#audience.step(`${name} ${describeExit(exit)}`)
    const text = await machine.store.tryRead(`/local/domain/${domid}/${REPORT_KEY}`)
    const report: GuestReport | undefined = text === undefined ? undefined : JSON.parse(text)
    await machine.toolstack.destroy(domid)
    await withLimit(
      this.#until(() => this.#backends.has(domid) && this.#closedConsoles.has(domid)),
      `dom0 to let go of ${name}`,
    )
    const halted = { what: `${name} halted by itself`, held: exit.how === 'halted' }
    const checks = [halted, ...(await checkGuest(name, report, image, expected))]
    return { name, domid, report, backend: this.#backends.get(domid), checks }
  }

  #hear(message: Dom0Message): void {
    switch (message.about) {
      case 'console':
        this.#audience.console(this.#names.get(message.domid) ?? `domain ${message.domid}`, message.line)
        break
      case 'console-closed':
        this.#closedConsoles.add(message.domid)
        break
      case 'disk-closed':
        this.#backends.set(Number(message.path.split('/')[2]) as Domid, message.stats)
        break
      case 'fault':
        this.#faults.push(message.what)
        break
      case 'dom0-ended':
        if (!this.#shuttingDown) this.#audience.step(message.what)
        break
    }
    this.#onMessage()
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const before = this.#onMessage
      await new Promise<void>((resolve) => {
        this.#onMessage = () => {
          before()
          resolve()
        }
      })
    }
  }
}

/** @throws UnusableDisk if the library cannot mount it */
const readExpected = async (path: string): Promise<ImageContent> => {
  try {
    return await lookInto({ path })
  } catch (error) {
    throw new UnusableDisk(`${path} cannot be mounted: ${error instanceof Error ? error.message : error}`)
  }
}

/** Looks into the guest's image from the host, past all drivers. */
const checkGuest = async (
  name: string,
  report: GuestReport | undefined,
  image: string,
  expected: ImageContent,
): Promise<Check[]> => {
  if (!report) return [{ what: `${name} reported`, held: false }]
  const { path, sha256 } = report.written
  const found = await lookInto({ path: image, wanted: path })
  const { largest } = expected
  return [
    { what: `${name} listed what the host lists`, held: report.root.join() === expected.root.join() },
    {
      what: largest ? `${name} read ${largest.path} with the host's SHA-256` : `${name} found no file, as the host did`,
      held: report.read?.path === largest?.path && report.read?.sha256 === largest?.sha256,
    },
    { what: `the host finds ${path} of ${name} in the image`, held: found.wanted === sha256 },
  ]
}

const withLimit = <T>(work: Promise<T>, what: string): Promise<T> => {
  let timer: NodeJS.Timeout
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${LIMIT_SECONDS} seconds for ${what}`)), LIMIT_SECONDS * 1000)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}
