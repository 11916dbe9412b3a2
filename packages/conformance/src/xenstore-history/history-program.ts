import type { SeededRandom } from '../seeded-random.js'
import type { HistoryUnit } from './history.js'
import type { Exchanged, HistoryClient, HistoryRequest } from './history-client.js'

/** The directory in which everything happens; everybody may do everything there. */
export const HISTORY_BASE = '/h'

const NAMES = ['a', 'b', 'c']

/** Mostly what the store is for; a listing rests on what comes and goes. */
const KINDS = ['read', 'read', 'read', 'write', 'write', 'write', 'rm', 'directory'] as const

interface Asked {
  readonly request: HistoryRequest
  readonly exchanged: Promise<Exchanged>
}

/** One client of a history: does a few things, waits for replies sometimes, and notes what it was answered. */
export class HistoryProgram {
  readonly #client: HistoryClient
  readonly #index: number
  readonly #random: SeededRandom
  readonly #units: Promise<HistoryUnit>[] = []
  #written = 0

  constructor(client: HistoryClient, index: number, random: SeededRandom) {
    this.#client = client
    this.#index = index
    this.#random = random
  }

  /** @param requests that it sends, roughly. @returns what it saw, once all is answered */
  async run(requests: number): Promise<HistoryUnit[]> {
    for (let left = requests; left > 0; ) {
      await this.#pause()
      const inside = left >= 3 && this.#oneIn(2) ? 1 + this.#random.below(3) : 0
      left -= inside > 0 ? inside + 2 : 1
      if (inside > 0) await this.#transact(inside)
      else this.#units.push(this.#unit([this.#ask(0)], undefined, true))
      if (this.#oneIn(2)) await this.#units.at(-1)
    }
    return Promise.all(this.#units)
  }

  /** All that comes after its beginning may be sent at once, and something beside it. */
  async #transact(inside: number): Promise<void> {
    const start = await this.#client.start()
    const asked: Asked[] = []
    for (let i = 0; i < inside; i++) {
      if (this.#oneIn(2)) await this.#pause()
      asked.push(this.#ask(Number(start.reply)))
      if (this.#oneIn(8)) this.#units.push(this.#unit([this.#ask(0)], undefined, true))
    }
    const commit = !this.#oneIn(8)
    const end = this.#client.end(Number(start.reply), commit)
    this.#units.push(this.#unit(asked, { start, end }, commit))
  }

  /** @param wanted whether it is to have an effect. @param around if it is a transaction */
  async #unit(
    asked: readonly Asked[],
    around: { start: Exchanged; end: Promise<Exchanged> } | undefined,
    wanted: boolean,
  ): Promise<HistoryUnit> {
    const answers = await Promise.all(asked.map(({ exchanged }) => exchanged))
    const first = around?.start ?? answers[0]!
    const last = (await around?.end) ?? answers[0]!
    return {
      client: this.#index,
      steps: asked.map(({ request }, i) => ({ ...request, reply: shown(request, answers[i]!.reply) })),
      effective: wanted && last.reply !== '!EAGAIN',
      called: first.called,
      finished: last.called,
      returned: last.returned,
    }
  }

  #ask(txId: number): Asked {
    const kind = this.#random.pick(KINDS)
    const path = kind === 'directory' ? HISTORY_BASE : `${HISTORY_BASE}/${this.#random.pick(NAMES)}`
    this.#written += 1
    // Every value is written once only, so that whoever reads it tells whose it is.
    const request = { kind, path, value: kind === 'write' ? `${this.#index}.${this.#written}` : '' }
    return { request, exchanged: this.#client.ask(request, txId) }
  }

  async #pause(): Promise<void> {
    for (let i = this.#random.below(12); i > 0; i--) await Promise.resolve()
  }

  #oneIn(count: number): boolean {
    return this.#random.below(count) === 0
  }
}

/** The order of a listing is not what is judged here. */
const shown = ({ kind }: HistoryRequest, reply: string): string =>
  kind === 'directory' ? reply.split('|').sort().join('|') : reply
