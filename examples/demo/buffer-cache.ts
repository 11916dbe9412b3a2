import type { BlockDevice } from '@split-driver/blkif'
import type { ByteDisk } from './ext-file-system.js'

const BLOCK_BYTES = 4096

/** Blocks fetched at a time: a file is mostly read on from where it was read. */
const READ_AHEAD = 64

/** Blocks kept; 8 MiB. What is dirty is written back before it may go. */
const MOST_BLOCKS = 2048

interface Buffer {
  readonly bytes: Uint8Array
  dirty: boolean
}

/** What every kernel has between its file systems and its disks: reads ahead, and writes back in long runs, many at once. */
export class BufferCache implements ByteDisk {
  readonly #disk: BlockDevice
  /** By block number; the oldest first. */
  readonly #buffers = new Map<number, Buffer>()

  constructor(disk: BlockDevice) {
    this.#disk = disk
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    for (const { block, start, from, to } of pieces(position, target.length))
      target.set((await this.#buffer(block)).bytes.subarray(start, start + to - from), from)
  }

  async write(position: number, source: Uint8Array): Promise<void> {
    for (const { block, start, from, to } of pieces(position, source.length)) {
      const isWhole = to - from === this.#bytesOf(block)
      const buffer = isWhole ? this.#keep(block, new Uint8Array(to - from)) : await this.#buffer(block)
      buffer.bytes.set(source.subarray(from, to), start)
      buffer.dirty = true
    }
    await this.#makeRoom()
  }

  /** Writes back all that is dirty, then flushes the disk. */
  async flush(): Promise<void> {
    const dirty = [...this.#buffers].filter(([, { dirty }]) => dirty).sort(([a], [b]) => a - b)
    const runs: { first: number; buffers: Buffer[] }[] = []
    for (const [block, buffer] of dirty) {
      const last = runs.at(-1)
      if (last && last.first + last.buffers.length === block) last.buffers.push(buffer)
      else runs.push({ first: block, buffers: [buffer] })
      buffer.dirty = false
    }
    await Promise.all(runs.map(({ first, buffers }) => this.#writeRun(first, buffers)))
    await this.#disk.flush()
  }

  #writeRun(first: number, buffers: readonly Buffer[]): Promise<void> {
    const run = new Uint8Array(buffers.reduce((sum, { bytes }) => sum + bytes.length, 0))
    buffers.forEach(({ bytes }, i) => {
      run.set(bytes, i * BLOCK_BYTES)
    })
    return this.#disk.write(first * BLOCK_BYTES, run)
  }

  async #buffer(block: number): Promise<Buffer> {
    const kept = this.#buffers.get(block)
    if (kept) return kept
    const begin = block * BLOCK_BYTES
    const ahead = new Uint8Array(Math.min(READ_AHEAD * BLOCK_BYTES, this.#disk.byteLength - begin))
    await this.#disk.read(begin, ahead)
    for (let at = 0; at < ahead.length; at += BLOCK_BYTES) {
      const next = block + at / BLOCK_BYTES
      if (!this.#buffers.has(next)) this.#keep(next, ahead.slice(at, at + BLOCK_BYTES))
    }
    await this.#makeRoom()
    return this.#buffers.get(block) ?? this.#keep(block, ahead.slice(0, BLOCK_BYTES))
  }

  #keep(block: number, bytes: Uint8Array): Buffer {
    const buffer = { bytes, dirty: false }
    this.#buffers.set(block, buffer)
    return buffer
  }

  /** The last block of a disk may be short. */
  #bytesOf(block: number): number {
    return Math.min(BLOCK_BYTES, this.#disk.byteLength - block * BLOCK_BYTES)
  }

  async #makeRoom(): Promise<void> {
    if (this.#buffers.size <= MOST_BLOCKS) return
    await this.flush()
    for (const block of this.#buffers.keys()) {
      if (this.#buffers.size <= MOST_BLOCKS / 2) break
      this.#buffers.delete(block)
    }
  }
}

/** The blocks that `length` bytes at `position` touch: `from` … `to` of those bytes lie at `start` of the block. */
const pieces = (position: number, length: number) => {
  const found: { block: number; start: number; from: number; to: number }[] = []
  for (let from = 0; from < length; ) {
    const start = (position + from) % BLOCK_BYTES
    const to = Math.min(length, from + BLOCK_BYTES - start)
    found.push({ block: (position + from - start) / BLOCK_BYTES, start, from, to })
    from = to
  }
  return found
}
