import { performance } from 'node:perf_hooks'
import type { MessagePort } from 'node:worker_threads'
import type { Domid } from '@split-driver/abi'
import type { Program } from '@split-driver/emulator'
import type { EventOutcome } from '@split-driver/evtchn'

export interface ReceiverArgument {
  readonly peer: Domid
  /** What every event turns out to be. */
  readonly outcome: EventOutcome
  readonly milliseconds: number
  readonly answer: MessagePort
}

/** Is there for events that have nothing behind them, and tells which share of its thread they took. */
export const program: Program = async ({ platform: { events, clock }, argument }) => {
  const { peer, outcome, milliseconds, answer } = argument as ReceiverArgument
  const port = events.bindUnboundPort(peer)
  let delivered = 0
  let begun: ReturnType<typeof performance.eventLoopUtilization> | undefined
  let done = (): void => {}
  const over = new Promise<void>((resolve) => {
    done = resolve
  })
  events.listen(port, () => {
    delivered++
    if (begun === undefined) {
      begun = performance.eventLoopUtilization()
      clock.setTimer(milliseconds, done)
    }
    events.eoi(port, outcome)
  })
  answer.postMessage(port)
  await over
  const { utilization } = performance.eventLoopUtilization(begun)
  events.unbind(port)
  answer.postMessage({ delivered, utilization })
  answer.close()
}
