import {
  BlkifBackendBus,
  BlkifFrontend,
  type BlkifOpenOptions,
  type BlockStore,
  MemoryBlockStore,
} from '@split-driver/blkif'
import type { Clock } from '@split-driver/platform'
import { SeededRandom } from './seeded-random.js'
import { within } from './wait.js'
import type { DeviceHandle, GuestHandle, World } from './world.js'

/** Number of the disk `xvda`. @see docs/man/xen-vbd-interface.7 */
export const XVDA = 51712

/** A kind of backend of the suite's own: on a real host, the kernel's looks into `backend/vbd`. */
const BACKEND_TYPE = 'conformance_vbd'

/** Bytes of a disk unless a case asks for another size. */
export const DISK_BYTES = 1 << 20

/** What is behind the disks of one case: each disk's bytes, by the guest's domid. */
export class DiskImages {
  readonly #images = new Map<number, Uint8Array>()
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  /** A guest's disk, filled from the seed when it is first asked for. */
  of({ domid }: Pick<GuestHandle, 'domid'>, bytes = DISK_BYTES): Uint8Array {
    let image = this.#images.get(domid)
    if (image === undefined) {
      image = new SeededRandom(this.#seed + domid).bytes(bytes)
      this.#images.set(domid, image)
    }
    return image
  }
}

/** Starts a backend in the control domain that serves each guest's image. */
export const serveDisks = (
  { dom0 }: World,
  images: DiskImages,
  wrap: (store: BlockStore) => BlockStore = (store) => store,
): Promise<BlkifBackendBus> => {
  const openStore = async ({ path }: { readonly path: string }) => {
    const domid = Number(path.split('/').at(-2)) as GuestHandle['domid']
    return wrap(new MemoryBlockStore(images.of({ domid })))
  }
  return new BlkifBackendBus(dom0, { openStore, kind: BACKEND_TYPE }).open()
}

/** Gives a guest its disk, as `xl block-attach` does. */
export const attachDisk = ({ toolstack }: World, guest: GuestHandle, mode: 'r' | 'w' = 'w'): Promise<DeviceHandle> =>
  toolstack.attachDevice(guest, {
    type: 'vbd',
    backendType: BACKEND_TYPE,
    id: XVDA,
    frontendKeys: { 'virtual-device': String(XVDA), 'device-type': 'disk' },
    backendKeys: { params: 'image', type: 'memory', mode, 'device-type': 'disk', dev: 'xvda' },
  })

/** Opens the guest's disk; fails in time if the handshake does not come to its end. */
export const openDisk = (
  { dom0 }: World,
  { platform }: GuestHandle,
  options: BlkifOpenOptions = {},
): Promise<BlkifFrontend> => within(dom0.clock, BlkifFrontend.open(platform, XVDA, options), 'the disk to be opened')

/** Answers each request some milliseconds later, so that something can happen in the middle. */
export class DelayedStore implements BlockStore {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly readOnly: boolean
  /** Requests that have begun. */
  begun = 0
  readonly #store: BlockStore
  readonly #clock: Clock
  readonly #milliseconds: number

  constructor(store: BlockStore, clock: Clock, milliseconds: number) {
    this.byteLength = store.byteLength
    this.sectorBytes = store.sectorBytes
    this.readOnly = store.readOnly
    this.#store = store
    this.#clock = clock
    this.#milliseconds = milliseconds
  }

  async read(position: number, targets: readonly Uint8Array[]): Promise<void> {
    await this.#delay()
    await this.#store.read(position, targets)
  }

  async write(position: number, sources: readonly Uint8Array[]): Promise<void> {
    await this.#delay()
    await this.#store.write(position, sources)
  }

  async flush(): Promise<void> {
    await this.#delay()
    await this.#store.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }

  #delay(): Promise<void> {
    this.begun++
    return new Promise((resolve) => {
      this.#clock.setTimer(this.#milliseconds, resolve)
    })
  }
}
