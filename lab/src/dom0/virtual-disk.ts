import { statSync } from 'node:fs'
import type { Domid } from '@split-driver/abi'
import { virtualDeviceNumber } from '@split-driver/blkif'
import { type AttachedDevice, writeDeviceDirectories, type XenStore } from '@split-driver/xenbus'
import { command } from './command.js'

/** The directory below `backend/` that our daemon serves here: Linux's xen-blkback takes all of `vbd`. */
export const OUR_KIND = 'split-vbd'

export interface DiskOptions {
  /** As the guest names it: `xvda`. */
  readonly name: string
  /** A file for our backend, a loop device for Linux's. */
  readonly path: string
  /** Writable unless given. */
  readonly mode?: 'r' | 'w'
  /** Whose backend serves it. */
  readonly by: 'split-driver' | 'linux'
}

/** Attaches a disk as a toolstack does, without libxl's scripts. */
export const attachDisk = (store: XenStore, domid: Domid, disk: DiskOptions): Promise<AttachedDevice> => {
  const { name, path, mode = 'w', by } = disk
  const id = virtualDeviceNumber(name)
  const common = { mode, 'device-type': 'disk', dev: name, bootable: '0' }
  return writeDeviceDirectories(store, domid, {
    type: 'vbd',
    id,
    ...(by === 'split-driver' && { backendType: OUR_KIND }),
    frontendKeys: { 'virtual-device': String(id), 'device-type': 'disk' },
    backendKeys:
      by === 'linux'
        ? { ...common, type: 'phy', params: path, 'physical-device': deviceNumbers(path) }
        : { ...common, type: 'file', params: path },
  })
}

/** `maj:min` in hexadecimal. @see glibc's sysmacros.h */
const deviceNumbers = (path: string): string => {
  const { rdev } = statSync(path)
  return `${((rdev >>> 8) & 0xfff).toString(16)}:${(((rdev >>> 12) & 0xfff00) | (rdev & 0xff)).toString(16)}`
}

/** A file as a block device of dom0's kernel. */
export class LoopDevice implements AsyncDisposable {
  readonly path: string
  #detached = false

  static async over(file: string): Promise<LoopDevice> {
    const path = (await command('losetup', ['-f'])).output.trim()
    await command('losetup', [path, file])
    return new LoopDevice(path)
  }

  private constructor(path: string) {
    this.path = path
  }

  /** Idempotent. @throws Error while it is in use */
  async detach(): Promise<void> {
    if (this.#detached) return
    await command('losetup', ['-d', this.path])
    this.#detached = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.detach()
  }
}
