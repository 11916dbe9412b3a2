import { DOM0, type Domid } from '@split-driver/abi'
import type { Permission } from '../permission.js'
import { XenbusState } from '../state.js'
import type { XenStore, XenStoreOperations } from '../xenstore.js'

export interface DeviceOptions {
  /** The device class as XenStore's paths spell it, such as `vbd`. */
  readonly type: string
  /**
   * The kind of backend, which names its directory: `backend/<backendType>/…`. `type` unless given. Another word, as libxl's
   * `qdisk`, keeps a device away from a backend of the kernel's own that serves all of `type`.
   */
  readonly backendType?: string
  /** The device's number below `device/<type>`. */
  readonly id: number
  /** Further keys of the frontend's directory. */
  readonly frontendKeys?: Readonly<Record<string, string>>
  /** Further keys of the backend's directory. */
  readonly backendKeys?: Readonly<Record<string, string>>
}

/** A device that a toolstack attached. Its backend is in the control domain. */
export class AttachedDevice {
  readonly frontendPath: string
  readonly backendPath: string
  readonly #store: XenStore

  constructor(store: XenStore, frontendDomid: Domid, options: DeviceOptions) {
    const { type, id, backendType = type } = options
    this.#store = store
    this.frontendPath = `/local/domain/${frontendDomid}/device/${type}/${id}`
    this.backendPath = `/local/domain/${DOM0}/backend/${backendType}/${frontendDomid}/${id}`
  }

  /**
   * Takes the device away in order: asks the backend to close, waits until it has, then removes both directories.
   * @throws the signal's reason if that takes too long; the directories stay then
   */
  async detach(signal?: AbortSignal): Promise<void> {
    const state = `${this.backendPath}/state`
    const watch = await this.#store.watch(state)
    const giveUp = () => void watch.close()
    signal?.addEventListener('abort', giveUp)
    try {
      await this.#store.transaction(async (t) => {
        if ((await t.tryRead(state)) === undefined) return
        await t.write(`${this.backendPath}/online`, '0')
        if ((await t.tryRead(state)) !== String(XenbusState.Closed)) await t.write(state, String(XenbusState.Closing))
      })
      signal?.throwIfAborted()
      for await (const _ of watch) {
        const now = await this.#store.tryRead(state)
        if (now === undefined || now === String(XenbusState.Closed)) break
      }
      signal?.throwIfAborted()
    } finally {
      signal?.removeEventListener('abort', giveUp)
      await watch.close()
    }
    await this.remove()
  }

  /** Removes both directories, and what they lay in if nothing else does, whatever state the halves are in. Idempotent. */
  async remove(): Promise<void> {
    await this.#store.transaction(async (t) => {
      for (const path of [this.backendPath, this.frontendPath]) {
        await removeIfThere(t, path)
        await removeIfEmpty(t, path.slice(0, path.lastIndexOf('/')))
      }
    })
  }
}

/** Writes both halves' directories in one transaction: each half owns its own, the other may read. */
export const writeDeviceDirectories = async (
  store: XenStore,
  frontendDomid: Domid,
  options: DeviceOptions,
): Promise<AttachedDevice> => {
  const device = new AttachedDevice(store, frontendDomid, options)
  const frontend = {
    backend: device.backendPath,
    'backend-id': String(DOM0),
    state: String(XenbusState.Initialising),
    ...options.frontendKeys,
  }
  const backend = {
    frontend: device.frontendPath,
    'frontend-id': String(frontendDomid),
    online: '1',
    state: String(XenbusState.Initialising),
    ...options.backendKeys,
  }
  await store.transaction(async (t) => {
    await writeOwned(t, device.frontendPath, frontend, frontendDomid, DOM0)
    await writeOwned(t, device.backendPath, backend, DOM0, frontendDomid)
  })
  return device
}

const writeOwned = async (
  store: XenStoreOperations,
  path: string,
  keys: Record<string, string>,
  owner: Domid,
  reader: Domid,
): Promise<void> => {
  const permissions: Permission[] = [
    { domid: owner, kind: 'none' },
    { domid: reader, kind: 'read' },
  ]
  await store.mkdir(path)
  await store.setPermissions(path, permissions)
  for (const [key, value] of Object.entries(keys)) {
    await store.write(`${path}/${key}`, value)
    await store.setPermissions(`${path}/${key}`, permissions)
  }
}

/** RM of a node whose parent is missing too would be an error (rule 41). */
export const removeIfThere = async (store: XenStoreOperations, path: string): Promise<void> => {
  if ((await store.tryRead(path)) !== undefined) await store.rm(path)
}

const removeIfEmpty = async (store: XenStoreOperations, path: string): Promise<void> => {
  if ((await store.tryRead(path)) === undefined) return
  if ((await store.directory(path)).length === 0) await store.rm(path)
}
