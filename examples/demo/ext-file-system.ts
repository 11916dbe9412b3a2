import { type FileHandle, open } from 'node:fs/promises'
import ext2fs from 'ext2fs'

/** A disk as bytes: a guest's block device, or an image on the host. */
export interface ByteDisk {
  read(position: number, target: Uint8Array): Promise<void>
  write(position: number, source: Uint8Array): Promise<void>
  flush(): Promise<void>
}

/** An ext2, ext3 or ext4 file system, through libext2fs compiled to WebAssembly: code that knows nothing of Xen. */
export type ExtFileSystem = ext2fs.FileSystem['promises']

/** Mounts `disk`, runs `body`, writes back what is due and unmounts. */
export const withExtFileSystem = <T>(disk: ByteDisk, body: (files: ExtFileSystem) => Promise<T>): Promise<T> => {
  const adapter: ext2fs.Disk = {
    read: (buffer, start, length, position) => disk.read(position, buffer.subarray(start, start + length)),
    write: (buffer, start, length, position) => disk.write(position, buffer.subarray(start, start + length)),
    discard: async () => {},
    flush: () => disk.flush(),
  }
  return ext2fs.withMountedDisk(adapter, 0, ({ promises }) => body(promises))
}

/** An image on the host, for reading only: a file system that is mounted from it cannot change it. */
export class ImageFile implements ByteDisk, AsyncDisposable {
  readonly #file: FileHandle

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(path: string): Promise<ImageFile> {
    return new ImageFile(await open(path, 'r'))
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    const { bytesRead } = await this.#file.read(target, 0, target.length, position)
    if (bytesRead < target.length)
      throw new RangeError(`bytes ${position + bytesRead} and on lie beyond the image's end`)
  }

  /** The library marks what it mounts as in use; here that goes nowhere. */
  async write(): Promise<void> {}

  async flush(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close()
  }
}

/** The largest regular file in the root directory. */
export const largestFile = async (files: ExtFileSystem): Promise<{ path: string; size: number } | undefined> => {
  let largest: { path: string; size: number } | undefined
  for (const name of await files.readdir('/')) {
    const status = await files.stat(`/${name}`)
    if (status.isFile() && status.size > (largest?.size ?? -1)) largest = { path: `/${name}`, size: status.size }
  }
  return largest
}
