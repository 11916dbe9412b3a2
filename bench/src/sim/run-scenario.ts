import { DOM0, type Domid } from '@split-driver/abi'
import { eventually, SeededRandom, within } from '@split-driver/conformance'
import type { ConsoleBackend } from '@split-driver/console'
import { EmulatedHost, type EmulatedPlatform, type GuestPlan } from '@split-driver/emulator'
import type { ByteChannel } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { BlockDaemon, ConsoleService } from './daemons.js'
import { GuestUnderTest } from './guest-under-test.js'
import { type Mutant, noMutant } from './mutant.js'
import { isFaultless, type Scenario } from './scenario.js'
import { StrayErrors } from './stray-errors.js'
import type { Violation } from './violation.js'
import { Watchdog } from './watchdog.js'

/** Milliseconds of virtual time for a whole run. */
const RUN_MS = 3_600_000

/** Milliseconds of virtual time in which what was closed is gone. */
const LEDGER_MS = 1000

export interface Outcome {
  readonly violations: readonly Violation[]
  readonly traceHash: string
  /** Events, timers and transfers. */
  readonly steps: number
  /** Of virtual time. */
  readonly milliseconds: number
  /** How often something ended well (`done`), or with which error: requests, openings and closings, lines. */
  readonly endings: Readonly<Record<string, number>>
}

/** The whole stack in one simulated machine: guests with disks and consoles, the daemons, and what goes wrong. */
class ScenarioRun {
  readonly #scenario: Scenario
  readonly #mutant: Mutant
  readonly #host: EmulatedHost
  readonly #server: XenstoreServer
  readonly #watchdog: Watchdog
  readonly #guests: GuestUnderTest[] = []
  readonly #disks = new Map<number, ReturnType<NonNullable<Mutant['disk']>>>()
  readonly #block: BlockDaemon
  readonly #consoles: ConsoleService

  static async boot(scenario: Scenario, mutant: Mutant): Promise<ScenarioRun> {
    const { storeNodes } = scenario.quotas
    let server: XenstoreServer | undefined
    const host = await EmulatedHost.boot({
      mode: 'simulated',
      seed: scenario.seed,
      faults: scenario.faults,
      memoryMiB: 24,
      maxDomains: 8,
      xenstored: (dom0) => {
        server = new XenstoreServer(dom0, storeNodes === undefined ? {} : { quotas: { nodes: storeNodes } })
        return server
      },
    })
    return new ScenarioRun(scenario, mutant, host, server!)
  }

  private constructor(scenario: Scenario, mutant: Mutant, host: EmulatedHost, server: XenstoreServer) {
    this.#scenario = scenario
    this.#mutant = mutant
    this.#host = host
    this.#server = server
    this.#watchdog = new Watchdog(host.machine.clock, !isFaultless(scenario))
    const accept = (channel: ByteChannel) => server.accept(channel, { domid: DOM0, privileged: true })
    this.#block = new BlockDaemon(host, accept, this.#disks, mutant)
    this.#consoles = new ConsoleService(host, accept, (console) => this.#served(console))
    this.#obeyCommands()
  }

  async run(): Promise<Outcome> {
    using strays = new StrayErrors()
    const { machine } = this.#host
    try {
      await within(machine.clock, this.#live(), 'the run', RUN_MS)
    } catch (error) {
      this.#watchdog.note('hang', error instanceof Error ? error.message : String(error))
    }
    const { traceHash, step } = machine.simulation!
    const milliseconds = machine.clock.now()
    machine.simulation!.stop()
    // What nobody caught is told when all microtasks of this turn have run.
    await new Promise<void>((resolve) => setImmediate(resolve))
    for (const error of strays.errors) this.#watchdog.note('stray-error', String(error))
    const { violations, endings } = this.#watchdog
    return { violations, traceHash, steps: step, milliseconds, endings }
  }

  async #live(): Promise<void> {
    const { guests, rounds, quotas } = this.#scenario
    await this.#block.start()
    await this.#consoles.start()
    for (let i = 0; i < guests; i++) await this.#addGuest()
    this.#mutant.atWork?.(this.#host)
    await Promise.all(this.#guests.map((guest) => guest.work(rounds)))
    await Promise.all(
      [this.#block, this.#consoles, ...this.#guests.map(({ attachment }) => attachment)].map((each) => each.back()),
    )
    const mayStayAway = Object.keys(quotas).length > 0
    await Promise.all(this.#guests.map((guest) => guest.finish(mayStayAway)))
    for (const daemon of [this.#block, this.#consoles])
      for (const left of await daemon.stop())
        this.#watchdog.note('ledger', `a daemon that was closed still has ${left}`)
    for (const guest of this.#guests) guest.judge()
    await this.#judgeLedger()
    await this.#host[Symbol.asyncDispose]()
  }

  /** A guest for which there is not enough of something is no violation: that is what quotas are for. */
  async #addGuest(): Promise<void> {
    const { seed, quotas } = this.#scenario
    const name = `guest ${this.#guests.length + 1}`
    const plan = { name, memoryPages: 512, ...quotas }
    const created = await this.#watchdog.settled(`${name}: creating it`, this.#createGuest(plan))
    if (created.how !== 'done') return
    const { domid } = created.value
    const guest = new GuestUnderTest({
      name,
      host: this.#host,
      platform: created.value,
      random: new SeededRandom((seed ^ Math.imul(domid, 0x9e37_79b9)) >>> 0),
      watchdog: this.#watchdog,
      clock: this.#host.machine.clock,
      mutant: this.#mutant,
    })
    this.#guests.push(guest)
    this.#disks.set(domid, guest.store)
    await guest.attachment.attach()
  }

  async #createGuest(plan: GuestPlan): Promise<EmulatedPlatform> {
    const { toolstack } = this.#host
    return toolstack.attach(await toolstack.create(plan), this.#scenario.interfaces)
  }

  #served(console: ConsoleBackend): void {
    this.#guest(console.domid)?.serve(console)
  }

  #guest(domid: number): GuestUnderTest | undefined {
    return this.#guests.find((guest) => guest.domid === domid)
  }

  #obeyCommands(): void {
    const simulation = this.#host.machine.simulation!
    const losePower = () => {
      for (const guest of this.#guests) guest.losePower(() => simulation.choose(2) === 0)
    }
    simulation.onCommand('crash-guest', (domid = 1) => void this.#crash(domid as Domid))
    simulation.onCommand('kill-backend', (absence = 0) => this.#block.kill(absence))
    simulation.onCommand('lose-power', (absence = 0) => this.#block.kill(absence, losePower))
    simulation.onCommand('pull-disk', (domid = 1) => this.#guest(domid)?.attachment.pull(simulation.choose(100)))
    simulation.onCommand('kill-consoled', (absence = 0) => this.#consoles.kill(absence))
  }

  async #crash(domid: Domid): Promise<void> {
    if (!this.#guest(domid)?.crash()) return
    await this.#watchdog.settled(`destroying domain ${domid}`, this.#host.toolstack.destroy(domid))
  }

  async #judgeLedger(): Promise<void> {
    const { machine } = this.#host
    const open = () => {
      const held = this.#server.holdings().map(({ domid, watches }) => `${watches} watches of domain ${domid}`)
      return [...machine.ledger().map(({ what }) => what), ...held]
    }
    await eventually(machine.clock, () => open().length === 0, 'the ledger', LEDGER_MS).catch(() => undefined)
    if (open().length > 0) this.#watchdog.note('ledger', `still open at the end: ${open().join('; ')}`)
  }
}

/** Runs one scenario. The same scenario gives the same outcome, trace and all. */
export const runScenario = async (scenario: Scenario, mutant: Mutant = noMutant): Promise<Outcome> =>
  (await ScenarioRun.boot(scenario, mutant)).run()
