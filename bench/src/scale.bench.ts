import type { Bench, BenchOptions, BenchRow } from './bench.js'
import { type Cost, Crowd } from './scale/crowd.js'

const DOMAINS = 500
const STEP = 100
const IDLE_MILLISECONDS = 2_000

/** Half as fast at the end as at the beginning is no longer linear. */
const LINEAR = 0.5

interface Step extends Cost {
  /** What its last `STEP` domains cost, each. */
  readonly each: { readonly milliseconds: number; readonly kibibytes: number; readonly residentKiB: number }
}

const grow = async (crowd: Crowd, options: BenchOptions): Promise<Step[]> => {
  const steps: Step[] = []
  let [frames, residentBytes] = [0, process.memoryUsage.rss()]
  for (let domains = STEP; domains <= DOMAINS; domains += STEP) {
    options.progress(`${domains} domains`)
    const cost = await crowd.grow(STEP)
    const each = {
      milliseconds: cost.milliseconds / STEP,
      kibibytes: ((cost.frames - frames) * 4) / STEP,
      residentKiB: (cost.residentBytes - residentBytes) / 1024 / STEP,
    }
    steps.push({ ...cost, each })
    ;({ frames, residentBytes } = cost)
  }
  return steps
}

/** The last hundred beside the first. */
const row = (work: string, unit: string, steps: readonly Step[], of: (each: Step['each']) => number): BenchRow => {
  const figures = steps.map(({ each }) => of(each))
  const [first, last] = [figures[0]!, figures.at(-1)!]
  const note = `by hundreds: ${figures.map((figure) => figure.toPrecision(3)).join(', ')}; the peer is the first hundred`
  return { work, unit, ours: last, peer: first, ratio: first / last, goal: LINEAR, note }
}

export const bench: Bench = {
  name: 'scale',
  describe: `${DOMAINS} domains in one machine, each with a console and a disk that are connected and idle`,
  run: async (options) => {
    // What is compiled and loaded once is not what the first hundred cost.
    await using small = await Crowd.open(STEP)
    await small.grow(STEP / 2)
    await using crowd = await Crowd.open(DOMAINS)
    const steps = await grow(crowd, options)
    options.progress('idle')
    const share = await crowd.idle(IDLE_MILLISECONDS)
    const { consoles, disks } = crowd.connected
    if (consoles !== DOMAINS || disks !== DOMAINS)
      throw new Error(`of ${DOMAINS} domains ${consoles} were heard, and ${disks} have a disk`)
    return [
      row('building a domain and connecting both its devices', 'ms', steps, (each) => each.milliseconds),
      row('memory of the machine, a domain', 'KiB', steps, (each) => each.kibibytes),
      row('memory of the host, a domain', 'KiB', steps, (each) => each.residentKiB),
      {
        work: `${DOMAINS} idle domains`,
        unit: '% of a core',
        ours: share * 100,
        peer: null,
        ratio: null,
        note: 'nobody polls',
      },
    ]
  },
}
