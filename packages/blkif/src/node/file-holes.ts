import type { Stats } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { XenError } from '@split-driver/abi'
import type { FileLibrary } from './file-library.js'

/** @see linux/falloc.h FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
const PUNCH_HOLE = 0x3

/** Holes in a file: they read as zeros and take no space. */
export class FileHoles {
  /** The file system gives back whole blocks; of others it zeroes what it was told to. */
  readonly blockBytes: number
  readonly #library: FileLibrary
  readonly #fd: number
  readonly #inWork = new Set<Promise<void>>()

  private constructor(library: FileLibrary, fd: number, blockBytes: number) {
    this.#library = library
    this.#fd = fd
    this.blockBytes = blockBytes
  }

  /** @returns undefined if the file system has no holes: a hole behind the file's end, which changes nothing, would tell */
  static probe(library: FileLibrary, fd: number, { size, blksize }: Stats): FileHoles | undefined {
    return library.fallocate(fd, PUNCH_HOLE, size, 1) === 0 ? new FileHoles(library, fd, blksize) : undefined
  }

  /** Off the thread: a large file system may take long over it. */
  punch(position: number, byteLength: number): Promise<void> {
    const hole = new Promise<void>((resolve, reject) => {
      this.#library.fallocateLater(this.#fd, PUNCH_HOLE, position, byteLength, (_, result) => {
        if (result === 0) resolve()
        else reject(this.#refusal(position, byteLength))
      })
    })
    this.#inWork.add(hole)
    const ended = () => void this.#inWork.delete(hole)
    hole.then(ended, ended)
    return hole
  }

  /** None is in work; only then may the file be closed, whose number would soon be another's. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inWork)
  }

  #refusal(position: number, byteLength: number): XenError {
    const name = getSystemErrorName(-this.#library.errno())
    return new XenError('EIO', `no hole of ${byteLength} bytes could be made at ${position}: ${name}`)
  }
}
