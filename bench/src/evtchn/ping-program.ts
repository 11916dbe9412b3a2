import type { MessagePort } from 'node:worker_threads'
import type { Domid, Port } from '@split-driver/abi'
import type { Program } from '@split-driver/emulator'
import { latenciesOf } from './latencies.js'

export interface PingArgument {
  readonly peer: Domid
  readonly remotePort: Port
  readonly roundTrips: number
  readonly answer: MessagePort
}

/** Sends an event, sleeps until one comes back, and so on; then tells how long each took. */
export const program: Program = async ({ platform: { events }, argument }) => {
  const { peer, remotePort, roundTrips, answer } = argument as PingArgument
  const port = events.bindInterdomain(peer, remotePort)
  let back = -1 // Binding raises it once.
  events.listen(port, () => {
    back++
    events.eoi(port)
  })
  while (back < 0) events.waitForEvents(Number.POSITIVE_INFINITY)
  const took = new Float64Array(roundTrips)
  for (let i = 1; i <= roundTrips; i++) {
    const start = performance.now()
    events.notify(port)
    while (back < i) events.waitForEvents(Number.POSITIVE_INFINITY)
    took[i - 1] = performance.now() - start
  }
  answer.postMessage(latenciesOf(took))
  answer.close()
}
