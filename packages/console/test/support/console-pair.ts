import type { Port, SharedMemory } from '@split-driver/abi'
import { ConsoleBackend, type ConsoleBackendOptions, ConsoleFrontend } from '@split-driver/console'
import { Machine } from '@split-driver/emulator'
import { xenconsInterface } from '@split-driver/ring'

/** No limit: for tests that are not about it, and must not wait for a clock. */
export const UNLIMITED = { events: Number.POSITIVE_INFINITY, milliseconds: 1 }

/** Where a ring's free-running indices begin: at 0, and where a careless comparison goes wrong. */
export const interestingIndices = [0, 1, 2 ** 31 - 2, 2 ** 31, 2 ** 32 - 2048, 2 ** 32 - 2, 2 ** 32 - 1]

const { at } = xenconsInterface

/** Both ends of the console of one guest on a real (emulated) machine, run by this thread. */
export const guestMachine = () => {
  const machine = Machine.create({ memoryMiB: 32 })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const guest = machine.attach(machine.buildGuest().domid)
  const { memory, port } = guest.console
  const backend = (options: Partial<ConsoleBackendOptions> = {}) =>
    new ConsoleBackend({ platform: dom0, domid: guest.domid, remotePort: port, eventRate: UNLIMITED, ...options })
  const frontend = () => new ConsoleFrontend({ memory, port, events: guest.events })
  return { machine, dom0, guest, memory, port, backend, frontend }
}

/** Both directions begin, empty, at these indices. */
export const seedIndices = (memory: SharedMemory, inIndex: number, outIndex: number): void => {
  for (const field of [at.inCons, at.inProd]) memory.storeOrdered(field.word, inIndex)
  for (const field of [at.outCons, at.outProd]) memory.storeOrdered(field.word, outIndex)
}

/** Lets one index of the ring be what a hostile peer would make of it. */
export const forge = (memory: SharedMemory, index: 'inCons' | 'inProd' | 'outCons' | 'outProd', value: number): void =>
  memory.storeOrdered(at[index].word, value)

export const indexOf = (memory: SharedMemory, index: 'inCons' | 'inProd' | 'outCons' | 'outProd'): number =>
  memory.loadOrdered(at[index].word) >>> 0

/** Everything that is due now has been delivered. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** Reads until `length` bytes have come; takes no more than the chunk in which they end. */
export const take = async (readable: ReadableStream<Uint8Array>, length: number): Promise<Uint8Array> => {
  const reader = readable.getReader()
  const all = new Uint8Array(length)
  let at = 0
  while (at < length) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the stream ended after ${at} of ${length} bytes`)
    if (at + value.length > length) throw new Error(`more than ${length} bytes came`)
    all.set(value, at)
    at += value.length
  }
  reader.releaseLock()
  return all
}

/** Bytes that differ at every place, so that a lost, repeated or moved one shows. */
export const pattern = (length: number, seed = 0): Uint8Array => {
  const bytes = new Uint8Array(length)
  let state = (seed ^ 0x9e37_79b9) >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** A port that nobody offered. */
export const noPort = 4000 as Port
