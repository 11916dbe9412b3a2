import { PAGE_BYTES } from '@split-driver/abi'
import type { DataPage } from './data-page.js'

/** A caller's buffers, one after the other, as if they were one. */
export type Buffers = readonly Uint8Array[]

/** Copies `length` bytes of `buffers`, from byte `from` on, into `pages` from their beginning. */
export const gather = (buffers: Buffers, from: number, pages: readonly DataPage[], length: number): void =>
  eachPiece(buffers, from, pages, length, intoPage)

/** Copies the first `length` bytes of `pages` into `buffers`, from byte `from` on. */
export const scatter = (buffers: Buffers, from: number, pages: readonly DataPage[], length: number): void =>
  eachPiece(buffers, from, pages, length, outOfPage)

/** Moves `size` bytes between `buffer` at `at` and `page` at `start`. */
type Move = (buffer: Uint8Array, at: number, page: Uint8Array, start: number, size: number) => void

/** Walks buffers and pages side by side; each piece lies within one of each. */
const eachPiece = (buffers: Buffers, from: number, pages: readonly DataPage[], length: number, move: Move): void => {
  let index = 0
  let at = from
  for (let done = 0; done < length; ) {
    const buffer = buffers[index]!
    if (at >= buffer.length) {
      at -= buffer.length
      index++
      continue
    }
    const start = done % PAGE_BYTES
    const size = Math.min(buffer.length - at, PAGE_BYTES - start, length - done)
    move(buffer, at, pages[(done - start) / PAGE_BYTES]!.bytes, start, size)
    at += size
    done += size
  }
}

const intoPage: Move = (buffer, at, page, start, size) => page.set(piece(buffer, at, size), start)
const outOfPage: Move = (buffer, at, page, start, size) => buffer.set(piece(page, start, size), at)

/** The whole is taken as it is: the usual case makes no view. */
const piece = (bytes: Uint8Array, start: number, size: number): Uint8Array =>
  size === bytes.length ? bytes : bytes.subarray(start, start + size)
