import { stat } from 'node:fs/promises'
import { type Domid, XenError } from '@split-driver/abi'
import type { EmulatedHost, Toolstack } from '@split-driver/emulator'
import type { Clock } from '@split-driver/platform'
import { AttachedDevice, type DeviceOptions, XenbusState, type XenStore } from '@split-driver/xenbus'
import type { DiskLine } from '../control/operations.js'
import type { DiskConfig } from '../xl-config/domain-config.js'

/** Milliseconds in which a guest must let go of a disk that is taken from it, as libxl's. */
const DETACH_LIMIT_MS = 10_000

/** The disks of every domain: which image is whose. */
export class DomainDisks {
  readonly #toolstack: Toolstack
  readonly #store: XenStore
  readonly #clock: Clock
  readonly #disks = new Map<Domid, DiskConfig[]>()

  constructor({ toolstack, store, dom0 }: EmulatedHost) {
    this.#toolstack = toolstack
    this.#store = store
    this.#clock = dom0.clock
    toolstack.events.on('destroyed', ({ domid }) => this.#disks.delete(domid))
  }

  /**
   * May a domain have it?
   * @throws XenError ENOENT, EACCES, EINVAL for an image that cannot be; EBUSY if another domain may write to it, or may use
   * it while this one would write
   */
  async judge(disk: DiskConfig): Promise<void> {
    const { target, vdev } = disk
    const found = await stat(target).catch((error: NodeJS.ErrnoException) => {
      const code = error.code === 'ENOENT' || error.code === 'EACCES' ? error.code : 'EIO'
      throw new XenError(code, `the disk ${vdev} cannot be had: ${error.message}`, { cause: error })
    })
    if (!found.isFile() && !found.isBlockDevice())
      throw new XenError('EINVAL', `the disk ${vdev} is ${target}, which is neither a file nor a block device`)
    this.#expectUnshared(disk)
  }

  /** @throws XenError as `judge`; EEXIST if the domain has a disk of that name */
  async attach(domid: Domid, disk: DiskConfig): Promise<void> {
    await this.judge(disk)
    const disks = this.#of(domid)
    if (disks.some(({ virtualDevice }) => virtualDevice === disk.virtualDevice))
      throw new XenError('EEXIST', `domain ${domid} has a disk ${disk.vdev} already`)
    // Before it is waited for anything: of two that want one image, one gets it.
    this.#disks.set(domid, [...disks, disk])
    try {
      await this.#toolstack.attachDevice({ domid }, deviceOf(disk))
    } catch (error) {
      this.#forget(domid, disk)
      throw error
    }
  }

  /** @throws XenError ENOENT no such disk; EBUSY the guest does not let go of it, and `force` is not given */
  async detach(domid: Domid, name: string, force: boolean): Promise<void> {
    const disk = this.#of(domid).find(({ vdev, virtualDevice }) => vdev === name || String(virtualDevice) === name)
    if (disk === undefined) throw new XenError('ENOENT', `domain ${domid} has no disk ${name}`)
    const device = this.#attached(domid, disk)
    if (force) await device.remove()
    else await this.#detachInTime(device, `domain ${domid} has not let go of ${disk.vdev}`)
    this.#forget(domid, disk)
  }

  async list(domid: Domid): Promise<DiskLine[]> {
    return Promise.all(
      this.#of(domid).map(async (disk) => {
        const { frontendPath, backendPath } = this.#attached(domid, disk)
        const [frontendState, backendState] = [await this.#state(frontendPath), await this.#state(backendPath)]
        return { ...disk, backendPath, frontendState, backendState }
      }),
    )
  }

  /** What a domain had: for the one that runs in its place. */
  of(domid: Domid): readonly DiskConfig[] {
    return this.#of(domid)
  }

  /** The toolstack has given `domid` these again. */
  adopt(domid: Domid, disks: readonly DiskConfig[]): void {
    this.#disks.set(domid, [...disks])
  }

  #of(domid: Domid): readonly DiskConfig[] {
    return this.#disks.get(domid) ?? []
  }

  #forget(domid: Domid, disk: DiskConfig): void {
    if (this.#disks.has(domid))
      this.#disks.set(
        domid,
        this.#of(domid).filter((other) => other !== disk),
      )
  }

  #expectUnshared({ target, mode }: DiskConfig): void {
    for (const [domid, disks] of this.#disks)
      for (const other of disks)
        if (other.target === target && (mode === 'w' || other.mode === 'w'))
          throw new XenError('EBUSY', `domain ${domid} has ${target} as its ${other.vdev}: who writes must be alone`)
  }

  #attached(domid: Domid, disk: DiskConfig): AttachedDevice {
    return new AttachedDevice(this.#store, domid, deviceOf(disk))
  }

  async #detachInTime(device: AttachedDevice, otherwise: string): Promise<void> {
    const limit = new AbortController()
    const timer = this.#clock.setTimer(DETACH_LIMIT_MS, () => limit.abort())
    try {
      await device.detach(limit.signal)
    } catch (error) {
      if (!limit.signal.aborted) throw error
      const advice = '--force takes it away all the same'
      throw new XenError('EBUSY', `${otherwise} within ${DETACH_LIMIT_MS / 1000} s; ${advice}`, { cause: error })
    } finally {
      timer.cancel()
    }
  }

  async #state(path: string): Promise<number> {
    const text = await this.#store.tryRead(`${path}/state`)
    return Number(text ?? XenbusState.Unknown)
  }
}

/** As libxl writes it for an image in a file. */
const deviceOf = ({ target, vdev, virtualDevice, mode, cdrom }: DiskConfig): DeviceOptions => {
  const deviceType = cdrom ? 'cdrom' : 'disk'
  return {
    type: 'vbd',
    id: virtualDevice,
    frontendKeys: { 'virtual-device': String(virtualDevice), 'device-type': deviceType },
    backendKeys: {
      params: target,
      mode,
      type: 'file',
      dev: vdev,
      'device-type': deviceType,
      removable: cdrom ? '1' : '0',
    },
  }
}
