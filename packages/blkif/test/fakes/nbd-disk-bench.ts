import { NbdDisk, type NbdDiskOptions, type NbdTuning } from '@split-driver/blkif'
import { FakeNbdServer } from './nbd-server.js'
import { testClock } from './test-clock.js'

/** Everything that is under way in memory happens. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn++) await new Promise(setImmediate)
}

/** A disk of 64 sectors, each filled with its number, on a server that a test commands. */
export const nbdDiskBench = async (
  options: NbdDiskOptions & NbdTuning = {},
  prepare: (server: FakeNbdServer) => void = () => undefined,
) => {
  const clock = testClock()
  const server = new FakeNbdServer(Uint8Array.from({ length: 32768 }, (_, i) => i >> 9))
  prepare(server)
  const lost: string[] = []
  const disk = await NbdDisk.connect('the disk', {
    dial: server.dial,
    clock,
    ...options,
    onLost: ({ message }) => lost.push(message),
    onBack: () => lost.push('back'),
  })
  return { clock, server, disk, lost, [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() }
}

/** How a request ended, once it has. */
export const outcome = (work: void | Promise<void>): { readonly value: string } => {
  const state = { value: 'waits' }
  Promise.resolve(work).then(
    () => Object.assign(state, { value: 'done' }),
    (error: Error) => Object.assign(state, { value: error.message }),
  )
  return state
}

export const sector = (fill: number, sectors = 1): Uint8Array => new Uint8Array(512 * sectors).fill(fill)
