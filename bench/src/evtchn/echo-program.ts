import type { MessagePort } from 'node:worker_threads'
import type { Domid } from '@split-driver/abi'
import type { Program } from '@split-driver/emulator'

export interface EchoArgument {
  readonly peer: Domid
  readonly roundTrips: number
  readonly answer: MessagePort
}

/** Offers a port and answers each event on it by another, sleeping between. */
export const program: Program = async ({ platform: { events }, argument }) => {
  const { peer, roundTrips, answer } = argument as EchoArgument
  const port = events.bindUnboundPort(peer)
  let left = roundTrips
  events.listen(port, () => {
    left--
    events.notify(port)
    events.eoi(port)
  })
  answer.postMessage(port)
  while (left > 0) events.waitForEvents(Number.POSITIVE_INFINITY)
  answer.close()
}
