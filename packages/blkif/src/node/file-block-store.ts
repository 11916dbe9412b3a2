import { readvSync, writevSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { SECTOR_BYTES, XenError, type XenErrorCode } from '@split-driver/abi'
import type { BlockStore, DiscardUnits } from '../block-store.js'
import { assertGeometry, assertRange, transferBytes } from '../store/geometry.js'
import { deviceBytes } from './device-bytes.js'
import { FileHoles } from './file-holes.js'
import { loadFileLibrary } from './file-library.js'
import { type LockPatience, lockFile } from './file-lock.js'
import { transferAll, transferAllAsync } from './vector-io.js'

export interface FileBlockStoreOptions {
  /** Logical sector size in bytes; 512 unless given. */
  readonly sectorBytes?: number
  /** Opens the file for reading only; false unless given. */
  readonly readOnly?: boolean
  /**
   * Reads and writes off the thread, several at once: for devices so slow that waiting would stall other disks; false
   * unless given. On a file in the page cache one asynchronous 4 KiB read costs more than ten synchronous ones (24 µs
   * against 1–2 µs), so waiting is the faster way there.
   */
  readonly asynchronous?: boolean
  /**
   * Takes no lock: others may write it meanwhile, and the guests agree among themselves, as those of a cluster file system
   * do. Otherwise (on Linux) the disk is locked: one writer, or any number of readers. False unless given.
   */
  readonly shared?: boolean
  /** Waits so long for another's lock to end; not at all unless given. */
  readonly lockPatience?: LockPatience
  /**
   * Judges the opened file itself, before it is used: a path that was looked at earlier may lead elsewhere by now. Throws
   * to refuse it.
   */
  readonly accept?: (file: FileHandle) => void | Promise<void>
}

/**
 * A disk that is a file or a block device, byte for byte: never an image format, whatever its first bytes look like, for
 * those are the guest's to write. Data moves directly between the file and the given views.
 */
export class FileBlockStore implements BlockStore {
  readonly path: string
  readonly sectorBytes: number
  readonly readOnly: boolean
  readonly discardUnits?: DiscardUnits
  readonly discard?: (position: number, byteLength: number) => Promise<void>
  readonly writeZeroes?: (position: number, byteLength: number) => Promise<void>
  readonly #file: FileHandle
  readonly #asynchronous: boolean
  readonly #holes: FileHoles | undefined
  #byteLength: number

  private constructor({ path, file, byteLength, holes }: OpenedFile, options: FileBlockStoreOptions) {
    this.path = path
    this.#byteLength = byteLength
    this.#holes = holes
    this.sectorBytes = options.sectorBytes ?? SECTOR_BYTES
    this.readOnly = options.readOnly ?? false
    this.#file = file
    this.#asynchronous = options.asynchronous ?? false
    if (holes === undefined) return
    this.writeZeroes = (position, byteLength) => this.#punch(holes, position, byteLength)
    this.discard = this.writeZeroes
    this.discardUnits = { granularityBytes: Math.max(this.sectorBytes, holes.blockBytes) }
  }

  get byteLength(): number {
    return this.#byteLength
  }

  /**
   * Opens a disk that exists.
   * @throws XenError ENOENT, EACCES, EROFS … as the system says; EINVAL for what is neither a file nor a block device, is
   * empty, or has a size that is no multiple of the sector size; EBUSY if another holds a lock of it. The message names
   * the path and what to do.
   */
  static async open(path: string, options: FileBlockStoreOptions = {}): Promise<FileBlockStore> {
    const file = await open(path, options.readOnly ? 'r' : 'r+').catch((error: unknown) => {
      throw systemError(error, `cannot open the disk ${path}`)
    })
    try {
      return new FileBlockStore(await prepare(path, file, options), options)
    } catch (error) {
      await file.close()
      throw systemError(error, `cannot use the disk ${path}`)
    }
  }

  read(position: number, targets: readonly Uint8Array[]): void | Promise<void> {
    const total = transferBytes(this.byteLength, position, targets)
    if (this.#asynchronous) return transferAllAsync(this.#readSome, targets, position, total)
    transferAll(this.#readSomeSync, targets, position, total)
  }

  write(position: number, sources: readonly Uint8Array[]): void | Promise<void> {
    if (this.readOnly) throw new XenError('EROFS', `the disk ${this.path} was opened read-only`)
    const total = transferBytes(this.byteLength, position, sources)
    if (this.#asynchronous) return transferAllAsync(this.#writeSome, sources, position, total)
    transferAll(this.#writeSomeSync, sources, position, total)
  }

  /** fdatasync, always off the thread: it takes milliseconds. */
  flush(): Promise<void> {
    return this.#file.datasync()
  }

  /** @throws XenError EINVAL if it is no whole number of sectors now, or none; the size stays what it was */
  async refreshSize(): Promise<void> {
    const byteLength = await deviceBytes(await this.#file.stat())
    assertGeometry(this.path, byteLength, this.sectorBytes)
    this.#byteLength = byteLength
  }

  /** Closes the file. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holes?.settled()
    if (this.#file.fd >= 0) await this.#file.close()
  }

  async #punch(holes: FileHoles, position: number, byteLength: number): Promise<void> {
    assertRange(this.byteLength, position, byteLength)
    if (byteLength > 0) await holes.punch(position, byteLength)
  }

  // Made once, so that a request makes no closure.
  readonly #readSomeSync = (views: readonly Uint8Array[], position: number) => readvSync(this.#file.fd, views, position)
  readonly #writeSomeSync = (views: readonly Uint8Array[], position: number) =>
    writevSync(this.#file.fd, views, position)
  readonly #readSome = async (views: readonly Uint8Array[], position: number) =>
    (await this.#file.readv(views, position)).bytesRead
  readonly #writeSome = async (views: readonly Uint8Array[], position: number) =>
    (await this.#file.writev(views, position)).bytesWritten
}

/** A file that a disk may be. */
interface OpenedFile {
  readonly path: string
  readonly file: FileHandle
  readonly byteLength: number
  /** Only a regular file has them, and one that may be written. */
  readonly holes: FileHoles | undefined
}

const prepare = async (path: string, file: FileHandle, options: FileBlockStoreOptions): Promise<OpenedFile> => {
  const { readOnly = false, shared = false, sectorBytes = SECTOR_BYTES, lockPatience, accept } = options
  await accept?.(file)
  const stat = await file.stat()
  if (!stat.isFile() && !stat.isBlockDevice())
    throw new XenError('EINVAL', `${path} is neither a file nor a block device`, { detail: { path } })
  const library = await loadFileLibrary()
  if (library !== undefined && !shared) await lockFile(library, { fd: file.fd, path, stat }, !readOnly, lockPatience)
  const byteLength = await deviceBytes(stat)
  assertGeometry(path, byteLength, sectorBytes)
  const hasHoles = library !== undefined && stat.isFile() && !readOnly
  return { path, file, byteLength, holes: hasHoles ? FileHoles.probe(library, file.fd, stat) : undefined }
}

const KNOWN_CODES: readonly XenErrorCode[] = ['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'EROFS', 'EBUSY', 'EINVAL']

const systemError = (error: unknown, what: string): XenError => {
  if (XenError.is(error)) return error
  const given = error instanceof Error && 'code' in error ? error.code : undefined
  const code = KNOWN_CODES.find((known) => known === given) ?? 'EIO'
  return new XenError(code, `${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}
