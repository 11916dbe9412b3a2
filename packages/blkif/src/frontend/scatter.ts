/** A caller's buffers, one after the other, as if they were one. */
export type Buffers = readonly Uint8Array[]

export const totalBytes = (buffers: Buffers): number => {
  let total = 0
  for (let i = 0; i < buffers.length; i++) total += buffers[i]!.length
  return total
}

/** Copies bytes `from` … of `buffers` into `target` until it is full. */
export const gather = (buffers: Buffers, from: number, target: Uint8Array): void => {
  let start = 0
  for (let i = 0; i < buffers.length && start < from + target.length; i++) {
    const buffer = buffers[i]!
    const low = Math.max(from - start, 0)
    const high = Math.min(from + target.length - start, buffer.length)
    if (low < high) target.set(piece(buffer, low, high), start + low - from)
    start += buffer.length
  }
}

/** Copies all of `source` into bytes `from` … of `buffers`. */
export const scatter = (buffers: Buffers, from: number, source: Uint8Array): void => {
  let start = 0
  for (let i = 0; i < buffers.length && start < from + source.length; i++) {
    const buffer = buffers[i]!
    const low = Math.max(from - start, 0)
    const high = Math.min(from + source.length - start, buffer.length)
    if (low < high) buffer.set(piece(source, start + low - from, start + high - from), low)
    start += buffer.length
  }
}

/** The whole is taken as it is: the usual case makes no view. */
const piece = (bytes: Uint8Array, low: number, high: number): Uint8Array =>
  low === 0 && high === bytes.length ? bytes : bytes.subarray(low, high)
