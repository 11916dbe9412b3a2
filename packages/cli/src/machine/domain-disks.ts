import { stat } from 'node:fs/promises'
import { type Domid, XenError } from '@split-driver/abi'
import type { EmulatedHost, Toolstack } from '@split-driver/emulator'
import type { Clock } from '@split-driver/platform'
import { type AttachedDevice, XenbusState, type XenStore } from '@split-driver/xenbus'
import type { DiskLine } from '../control/operations.js'
import type { DiskConfig } from '../xl-config/domain-config.js'

interface HeldDisk {
  readonly disk: DiskConfig
  readonly device: AttachedDevice
}

/** Milliseconds in which a guest must let go of a disk that is taken from it, as libxl's. */
const DETACH_LIMIT_MS = 10_000

/** The disks of every domain: which image is whose. */
export class DomainDisks {
  readonly #toolstack: Toolstack
  readonly #store: XenStore
  readonly #clock: Clock
  readonly #disks = new Map<Domid, Map<number, HeldDisk>>()

  constructor({ toolstack, store, dom0 }: EmulatedHost) {
    this.#toolstack = toolstack
    this.#store = store
    this.#clock = dom0.clock
  }

  /**
   * May this domain have it?
   * @throws XenError ENOENT, EACCES, EINVAL for an image that cannot be; EBUSY if another domain may write to it, or may use
   * it while this one would write
   */
  async judge(disk: DiskConfig): Promise<void> {
    const { target, mode } = disk
    const found = await stat(target).catch((error: NodeJS.ErrnoException) => {
      const code = error.code === 'ENOENT' || error.code === 'EACCES' ? error.code : 'EIO'
      throw new XenError(code, `the disk ${disk.vdev} cannot be had: ${error.message}`, { cause: error })
    })
    if (!found.isFile() && !found.isBlockDevice())
      throw new XenError('EINVAL', `the disk ${disk.vdev} is ${target}, which is neither a file nor a block device`)
    for (const [domid, disks] of this.#disks)
      for (const { disk: other } of disks.values())
        if (other.target === target && (mode === 'w' || other.mode === 'w'))
          throw new XenError(
            'EBUSY',
            `domain ${domid} has ${target} as its ${other.vdev}: two cannot share what is written`,
          )
  }

  /** @throws XenError as `judge`; EEXIST if the domain has a disk of that name */
  async attach(domid: Domid, disk: DiskConfig): Promise<void> {
    await this.judge(disk)
    const disks = this.#disks.get(domid) ?? new Map<number, HeldDisk>()
    if (disks.has(disk.virtualDevice)) throw new XenError('EEXIST', `domain ${domid} has a disk ${disk.vdev} already`)
    this.#disks.set(domid, disks)
    const deviceType = disk.cdrom ? 'cdrom' : 'disk'
    const device = await this.#toolstack.attachDevice(
      { domid },
      {
        type: 'vbd',
        id: disk.virtualDevice,
        frontendKeys: { 'virtual-device': String(disk.virtualDevice), 'device-type': deviceType },
        backendKeys: {
          params: disk.target,
          mode: disk.mode,
          type: 'file',
          dev: disk.vdev,
          'device-type': deviceType,
          removable: disk.cdrom ? '1' : '0',
          bootable: '1',
        },
      },
    )
    disks.set(disk.virtualDevice, { disk, device })
  }

  /** @throws XenError ENOENT no such disk; EBUSY the guest does not let go of it, and `force` is not given */
  async detach(domid: Domid, name: string, force: boolean): Promise<void> {
    const held = [...(this.#disks.get(domid)?.values() ?? [])].find(
      ({ disk }) => disk.vdev === name || String(disk.virtualDevice) === name,
    )
    if (held === undefined) throw new XenError('ENOENT', `domain ${domid} has no disk ${name}`)
    if (force) await held.device.remove()
    else await this.#detachInTime(domid, held)
    this.#disks.get(domid)?.delete(held.disk.virtualDevice)
  }

  async list(domid: Domid): Promise<DiskLine[]> {
    return Promise.all(
      [...(this.#disks.get(domid)?.values() ?? [])].map(async ({ disk, device }) => ({
        ...disk,
        backendPath: device.backendPath,
        frontendState: await this.#state(device.frontendPath),
        backendState: await this.#state(device.backendPath),
      })),
    )
  }

  /** The domain is no more. */
  forget(domid: Domid): void {
    this.#disks.delete(domid)
  }

  async #detachInTime(domid: Domid, { disk, device }: HeldDisk): Promise<void> {
    const limit = new AbortController()
    const timer = this.#clock.setTimer(DETACH_LIMIT_MS, () => limit.abort())
    try {
      await device.detach(limit.signal)
    } catch (error) {
      if (!limit.signal.aborted) throw error
      const late = `domain ${domid} has not let go of ${disk.vdev} within ${DETACH_LIMIT_MS / 1000} s`
      throw new XenError('EBUSY', `${late}; --force takes it away all the same`, { cause: error })
    } finally {
      timer.cancel()
    }
  }

  async #state(path: string): Promise<number> {
    const text = await this.#store.tryRead(`${path}/state`)
    return Number(text ?? XenbusState.Unknown)
  }
}
