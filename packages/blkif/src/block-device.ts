/** A disk addressed by bytes, as file-system libraries want it: any position, any length. */
export interface BlockDevice {
  readonly byteLength: number
  readonly readOnly: boolean
  /** Fills `target` with the bytes from `position` on. @throws RangeError beyond the end; XenError as the disk says */
  read(position: number, target: Uint8Array): Promise<void>
  /** Stores `source` at `position`. @throws RangeError beyond the end; XenError as the disk says */
  write(position: number, source: Uint8Array): Promise<void>
  /** What was written before is durable when this is done. */
  flush(): Promise<void>
}
