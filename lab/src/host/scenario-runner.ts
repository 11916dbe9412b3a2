import type { ScenarioEvent, Versions } from '../protocol.js'
import type { Scenario, StoreDaemon } from '../scenario.js'
import { Dom0, type ScenarioEnd } from './machine/dom0.js'
import type { MachineCommand } from './machine/machine.js'
import type { ProgressDisplay } from './report/progress-display.js'
import type { CheckResult, Figure, ScenarioResult } from './report/results.js'

const totalLimitSeconds = 20 * 60
/** After so many boots in a row that failed, no further is tried. */
const failedBootsLimit = 2

/**
 * Runs scenarios one after the other in one dom0. It takes a fresh one after a scenario that did not leave it clean, and for
 * one that wants another XenStore daemon.
 */
export class ScenarioRunner implements AsyncDisposable {
  readonly boots: number[] = []
  versions: Versions | undefined
  #dom0: Dom0 | undefined
  #storeDaemon: StoreDaemon = 'xenstored'
  #boots = 0
  #failedBoots = 0
  #start = performance.now()

  constructor(
    readonly machineWith: (storeDaemon: StoreDaemon) => MachineCommand,
    readonly logs: string,
    readonly display: ProgressDisplay,
    readonly afterFailure?: (dom0: Dom0) => Promise<void>,
  ) {}

  async run(scenario: Scenario): Promise<ScenarioResult> {
    const collected = new Collected()
    const end = await this.#attempt(scenario, collected)
    const reason = [collected.unfinished, end.failure ?? collected.failures.join('\n')].filter(Boolean).join(': ')
    const failed = reason !== ''
    this.display.line(`${scenario.name}: ${failed ? 'FAILED' : 'passed'} ${end.seconds.toFixed(1)} s`)
    const { name, summary } = scenario
    const { checks, figures, notRun } = collected
    const result = { name, summary, seconds: end.seconds, checks, figures, notRun }
    return failed ? { ...result, result: 'failed', reason } : { ...result, result: 'passed' }
  }

  async #attempt(scenario: Scenario, collected: Collected): Promise<ScenarioEnd> {
    const start = performance.now()
    try {
      const dom0 = await this.#bootedDom0(scenario.storeDaemon ?? 'xenstored')
      const left = totalLimitSeconds - (performance.now() - this.#start) / 1000
      if (left <= 0) throw new Error(`the run's ${totalLimitSeconds / 60} minutes are over`)
      this.display.line(`${scenario.name}: ${scenario.summary}`)
      const limitSeconds = Math.min(scenario.limitSeconds, left)
      const end = await dom0.runScenario({ ...scenario, limitSeconds }, (event) => {
        collected.take(event)
        this.#show(scenario.name, event)
      })
      if (collected.failures.length > 0 || end.failure !== undefined) await this.#lookAtFailure(dom0, end)
      if (!end.clean) await this.#leaveDom0()
      return end
    } catch (error) {
      await this.#leaveDom0()
      return { seconds: (performance.now() - start) / 1000, failure: (error as Error).message, clean: false }
    }
  }

  async #lookAtFailure(dom0: Dom0, { failure = '' }: ScenarioEnd) {
    if (this.afterFailure === undefined) return
    this.display.line(failure)
    this.display[Symbol.dispose]()
    await this.afterFailure(dom0)
    // Whoever looked may have changed something.
    await this.#leaveDom0()
  }

  async #bootedDom0(storeDaemon: StoreDaemon): Promise<Dom0> {
    if (storeDaemon !== this.#storeDaemon) await this.#leaveDom0()
    this.#storeDaemon = storeDaemon
    if (this.#dom0 !== undefined) return this.#dom0
    if (this.#failedBoots >= failedBootsLimit) throw new Error(`dom0 did not boot ${failedBootsLimit} times`)
    this.display.doing('booting Xen and dom0')
    const start = performance.now()
    this.#failedBoots += 1
    const { dom0, versions } = await Dom0.boot(this.machineWith(storeDaemon), this.logs, ++this.#boots)
    this.#failedBoots = 0
    const seconds = (performance.now() - start) / 1000
    this.boots.push(seconds)
    this.display.line(`dom0 is up after ${seconds.toFixed(1)} s: Xen ${versions.xen}, Linux ${versions.linux}`)
    this.versions = versions
    this.#dom0 = dom0
    return dom0
  }

  #show(name: string, event: ScenarioEvent) {
    if (event.tell === 'check begins') this.display.doing(`${name}: ${event.what}`)
    if (event.tell === 'check ends') {
      this.display.line(
        `  ${event.failure === undefined ? 'ok    ' : 'FAILED'} ${event.what}, ${event.seconds.toFixed(1)} s`,
      )
    }
    if (event.tell === 'not run') this.display.line(`  not run: ${event.what}: ${event.reason}`)
    if (event.tell === 'figure') this.display.line(`  ${event.name}: ${event.value} ${event.unit}`)
    if (event.tell === 'say') this.display.line(`  ${event.line}`)
  }

  async #leaveDom0() {
    const dom0 = this.#dom0
    this.#dom0 = undefined
    await dom0?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose]() {
    await this.#leaveDom0()
  }
}

/** What a scenario reported. */
class Collected {
  readonly checks: CheckResult[] = []
  readonly figures: Figure[] = []
  readonly notRun: { what: string; reason: string }[] = []
  #begun: string | undefined

  get failures(): string[] {
    return this.checks.flatMap(({ failure }) => failure ?? [])
  }

  /** In words, the check that had begun when the scenario was ended. */
  get unfinished(): string {
    return this.#begun === undefined ? '' : `in "${this.#begun}"`
  }

  take(event: ScenarioEvent) {
    if (event.tell === 'check begins') this.#begun = event.what
    if (event.tell === 'check ends') {
      this.#begun = undefined
      const { what, seconds, failure } = event
      this.checks.push({ what, seconds, ...(failure !== undefined && { failure }) })
    }
    if (event.tell === 'figure') this.figures.push({ name: event.name, value: event.value, unit: event.unit })
    if (event.tell === 'not run') this.notRun.push({ what: event.what, reason: event.reason })
  }
}
