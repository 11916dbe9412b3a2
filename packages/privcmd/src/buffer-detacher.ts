import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Takes a buffer's memory out of JavaScript's reach: it and every array over it have length 0 from then on. */
export type DetachBuffer = (buffer: ArrayBuffer) => void

/** ES2024's; moves the bytes to a buffer of another length, here 0, and detaches the old one. */
type Transfer = (this: ArrayBuffer, newLength: number) => ArrayBuffer

/**
 * `ArrayBuffer.prototype.transfer` where there is one. V8 of Node 20 has it behind a flag that new contexts heed, so it
 * is taken from one. (`structuredClone` copies memory that is not V8's own, and leaves it attached.)
 */
export const bufferDetacher = (): DetachBuffer => {
  const own = (ArrayBuffer.prototype as { transfer?: Transfer }).transfer
  const transfer = own ?? flaggedTransfer()
  return (buffer) => {
    transfer.call(buffer, 0)
  }
}

const flaggedTransfer = (): Transfer => {
  setFlagsFromString('--harmony-rab-gsab-transfer')
  try {
    return runInNewContext('ArrayBuffer.prototype.transfer') as Transfer
  } finally {
    setFlagsFromString('--no-harmony-rab-gsab-transfer')
  }
}
