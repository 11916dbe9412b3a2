import type { MessagePort } from 'node:worker_threads'
import type { Domid, Port } from '@split-driver/abi'
import type { Program } from '@split-driver/emulator'

export interface StormArgument {
  readonly peer: Domid
  readonly remotePort: Port
  /** Events a second. */
  readonly rate: number
  readonly milliseconds: number
  readonly answer: MessagePort
}

/** Sends events as fast as it was told to, with nothing behind them, and tells how many it were. */
export const program: Program = async ({ platform: { events }, argument }) => {
  const { peer, remotePort, rate, milliseconds, answer } = argument as StormArgument
  const port = events.bindInterdomain(peer, remotePort)
  const start = performance.now()
  let sent = 0
  for (let now = start; now - start < milliseconds; now = performance.now()) {
    const due = ((now - start) * rate) / 1000
    for (; sent < due; sent++) events.notify(port)
  }
  answer.postMessage({ sent, milliseconds: performance.now() - start })
  answer.close()
}
