import { SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { BlockStore, DiscardUnits } from '../block-store.js'
import { assertGeometry, assertRange, transferBytes } from '../store/geometry.js'
import { isReadOnly } from './export-info.js'
import { NbdClient } from './nbd-client.js'
import type { NbdClientOptions } from './nbd-client-options.js'
import { ExportFlag } from './protocol.js'

export interface NbdDiskOptions {
  /** Logical sector size in bytes; the least that the server takes, 512 at least, unless given. */
  readonly sectorBytes?: number
  /** Refuses writes also where the server would take them; false unless given. */
  readonly readOnly?: boolean
}

/** No guest can make use of larger sectors, and some cannot even be told about them. */
const MOST_PHYSICAL_BYTES = 4096

/** A disk that is an export of an NBD server. */
export class NbdDisk implements BlockStore {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly physicalSectorBytes: number
  readonly readOnly: boolean
  readonly discardUnits?: DiscardUnits
  readonly discard?: (position: number, byteLength: number) => Promise<void>
  readonly writeZeroes?: (position: number, byteLength: number) => Promise<void>
  readonly #name: string
  readonly #client: NbdClient

  /**
   * @param name what to call it in messages
   * @throws XenError EINVAL if the export cannot be a disk with such sectors
   */
  constructor(name: string, client: NbdClient, { sectorBytes, readOnly = false }: NbdDiskOptions = {}) {
    const { byteLength, flags, minimumBytes, preferredBytes } = client.info
    this.#name = name
    this.#client = client
    this.byteLength = byteLength
    this.sectorBytes = sectorBytes ?? Math.max(SECTOR_BYTES, minimumBytes)
    this.readOnly = readOnly || isReadOnly(client.info)
    if (byteLength % this.sectorBytes !== 0)
      throw this.#unusable(
        `has ${byteLength} bytes, no multiple of ${this.sectorBytes}: its server must export it longer`,
      )
    assertGeometry(name, byteLength, this.sectorBytes)
    if (this.sectorBytes < minimumBytes)
      throw this.#unusable(
        `takes requests of ${minimumBytes} bytes at least; sectors of ${this.sectorBytes} are too small`,
      )
    this.physicalSectorBytes = Math.max(this.sectorBytes, Math.min(preferredBytes, MOST_PHYSICAL_BYTES))
    if (this.readOnly) return
    if ((flags & ExportFlag.Trim) !== 0) {
      this.discardUnits = { granularityBytes: Math.max(this.sectorBytes, preferredBytes) }
      this.discard = (position, length) => client.trim(position, this.#judged(position, length))
    }
    if ((flags & ExportFlag.WriteZeroes) !== 0)
      this.writeZeroes = (position, length) => client.writeZeroes(position, this.#judged(position, length))
  }

  /** Connects by hand. @throws XenError saying why there is no such disk */
  static async connect(name: string, options: NbdClientOptions & NbdDiskOptions): Promise<NbdDisk> {
    const client = await NbdClient.open(options)
    try {
      return new NbdDisk(name, client, options)
    } catch (error) {
      client.close()
      throw error
    }
  }

  read(position: number, targets: readonly Uint8Array[]): Promise<void> {
    return this.#client.read(position, transferBytes(this.byteLength, position, targets), targets)
  }

  write(position: number, sources: readonly Uint8Array[]): Promise<void> {
    if (this.readOnly) throw new XenError('EROFS', `the disk ${this.#name} is read-only`)
    return this.#client.write(position, transferBytes(this.byteLength, position, sources), sources)
  }

  flush(): Promise<void> {
    return this.#client.flush()
  }

  /** Takes leave of the server. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close()
  }

  #judged(position: number, byteLength: number): number {
    assertRange(this.byteLength, position, byteLength)
    return byteLength
  }

  #unusable(why: string): XenError {
    return new XenError('EINVAL', `the NBD export ${this.#name} ${why}`, { detail: { name: this.#name } })
  }
}
