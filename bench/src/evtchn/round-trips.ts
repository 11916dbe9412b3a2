import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Port } from '@split-driver/abi'
import { type AttachOptions, Machine, type ProgramModule, type Vcpu } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import type { BareRound } from './bare-thread.js'
import type { Latencies } from './latencies.js'

const programNamed = (name: string): ProgramModule => ({ href: new URL(`${name}-program.js`, import.meta.url).href })

const bareThread = (round: BareRound): Worker =>
  new Worker(new URL('bare-thread.js', import.meta.url), { workerData: round })

/** Two threads and two futex words. */
export const bareRoundTrips = async (roundTrips: number): Promise<Latencies> => {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const pong = bareThread({ words, roundTrips, side: 'pong' })
  const ping = bareThread({ words, roundTrips, side: 'ping' })
  const [[latencies]] = await Promise.all([once(ping, 'message'), once(ping, 'exit'), once(pong, 'exit')])
  return latencies as Latencies
}

/** Two domains in threads of their own, both sleeping in `waitForEvents`. */
export const channelRoundTrips = async (
  eventAbi: NonNullable<AttachOptions['eventAbi']>,
  roundTrips: number,
): Promise<Latencies> => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 16, attaching: { eventAbi, delivery: 'blocking' } })
  const dom0 = machine.buildControlDomain().domid
  const guest = machine.buildGuest().domid
  const start = (domid: typeof dom0, name: string, argument: object) => {
    const { port1, port2 } = new MessageChannel()
    const answer = once(port1, 'message')
    const vcpu = startWorkerThread({
      machine,
      domid,
      program: programNamed(name),
      argument: { roundTrips, ...argument, answer: port2 },
      transfer: [port2 as never],
    })
    return { vcpu, answer: Promise.race([answer, failed(vcpu)]).then(([message]) => message as unknown) }
  }
  const echo = start(guest, 'echo', { peer: dom0 })
  const remotePort = (await echo.answer) as Port
  const ping = start(dom0, 'ping', { peer: guest, remotePort })
  const latencies = (await ping.answer) as Latencies
  await Promise.all([echo.vcpu.exited, ping.vcpu.exited])
  return latencies
}

const failed = async ({ exited }: Vcpu): Promise<never> => {
  const report = await exited
  if (report.how === 'crashed') throw report.error
  return new Promise<never>(() => {})
}
