import { once } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Machine, type ProgramModule } from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import type { EventOutcome } from '@split-driver/evtchn'

const programNamed = (name: string): ProgramModule => ({ href: new URL(`${name}-program.js`, import.meta.url).href })

export interface StormReport {
  /** Events a second that the sender has really sent. */
  readonly rate: number
  readonly delivered: number
  /** Share of its thread that the receiver's event loop was not idle. */
  readonly utilization: number
}

/** One domain sends, another receives, each in a thread of its own, for so long. */
export const storm = async (outcome: EventOutcome, rate: number, milliseconds: number): Promise<StormReport> => {
  const machine = Machine.create({ mode: 'threads', memoryMiB: 16 })
  const receiver = machine.buildControlDomain().domid
  const sender = machine.buildGuest().domid
  const start = (
    domid: typeof sender,
    name: string,
    argument: object,
  ): { exited: Promise<unknown>; port: MessagePort } => {
    const { port1, port2 } = new MessageChannel()
    const all = { ...argument, answer: port2 }
    const transfer = [port2 as never]
    const { exited } = startWorkerThread({ machine, domid, program: programNamed(name), argument: all, transfer })
    return { exited, port: port1 }
  }
  const receiving = start(receiver, 'storm-receiver', { peer: sender, outcome, milliseconds: milliseconds * 0.8 })
  const [remotePort] = await once(receiving.port, 'message')
  const sending = start(sender, 'storm', { peer: receiver, remotePort, rate, milliseconds })
  const [[received], [sent]] = await Promise.all([once(receiving.port, 'message'), once(sending.port, 'message')])
  await Promise.all([receiving.exited, sending.exited])
  return { rate: sent.sent / (sent.milliseconds / 1000), ...received }
}
