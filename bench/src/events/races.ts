import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import type { Port } from '@split-driver/abi'
import { type AttachOptions, Machine, type Vcpu } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import type { RaceArgument } from './race-program.js'

const CHANNELS = 12

export interface RaceOptions {
  readonly seed: number
  /** Of each side. */
  readonly steps: number
  readonly eventAbis: readonly [NonNullable<AttachOptions['eventAbi']>, NonNullable<AttachOptions['eventAbi']>]
}

interface Report {
  readonly lost: readonly number[]
  readonly untimely: number
}

/** Two domains in threads of their own send each other events in any order. @returns what did not hold, one line each */
export const race = async ({ seed, steps, eventAbis }: RaceOptions): Promise<string[]> => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 16 })
  const domids = [machine.buildControlDomain().domid, machine.buildGuest().domid] as const
  const counters = new Int32Array(new SharedArrayBuffer(4 * (2 * CHANNELS + 2)))
  const start = (side: 0 | 1, offered: readonly Port[] | undefined) => {
    const { port1, port2 } = new MessageChannel()
    const peer = domids[1 - side]!
    const argument: RaceArgument = { side, peer, channels: CHANNELS, steps, seed, counters, offered, answer: port2 }
    const attaching: AttachOptions = { eventAbi: eventAbis[side], delivery: 'blocking' }
    const program = { href: new URL('race-program.js', import.meta.url).href }
    const transfer = [port2 as never]
    const vcpu = startWorkerThread({ machine, domid: domids[side], program, argument, transfer, attaching })
    const next = async <T>() => (await Promise.race([once(port1, 'message'), crash(vcpu)]))[0] as T
    return { vcpu, next }
  }
  const first = start(0, undefined)
  const second = start(1, await first.next<readonly Port[]>())
  const reports = await Promise.all([first.next<Report>(), second.next<Report>()])
  await Promise.all([first.vcpu.exited, second.vcpu.exited])
  return [
    ...reports.flatMap(({ lost }, side) => lost.map((channel) => `side ${side} lost a wake-up of channel ${channel}`)),
    ...reports.flatMap(({ untimely }, side) =>
      untimely > 0 ? [`side ${side} had ${untimely} untimely deliveries`] : [],
    ),
    ...machine.ledger().map(({ what }) => `left open: ${what}`),
  ]
}

/** Settles only if it crashes. */
const crash = async ({ exited }: Vcpu): Promise<never> => {
  const report = await exited
  if (report.how === 'crashed') throw report.error
  return new Promise<never>(() => {})
}
