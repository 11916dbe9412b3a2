import { type SharedMemory, XenError } from '@split-driver/abi'

/** Memory that can be taken away, as an unmapped range of addresses is: every touch after that throws. */
export class RevocableMemory {
  readonly memory: SharedMemory
  readonly #methods = new Map<PropertyKey, unknown>()
  #revoked = false

  constructor(below: SharedMemory) {
    this.memory = new Proxy(below, { get: (target, key) => this.#get(target, key as keyof SharedMemory) })
  }

  revoke(): void {
    this.#revoked = true
  }

  #get(target: SharedMemory, key: keyof SharedMemory): unknown {
    if (key === 'byteLength') return target.byteLength
    let method = this.#methods.get(key)
    if (method === undefined) {
      const below = target[key] as (...args: unknown[]) => unknown
      method = (...args: unknown[]) => {
        if (this.#revoked) throw new XenError('USE_AFTER_UNMAP', `${key} in a range that was unmapped`)
        return below.apply(target, args)
      }
      this.#methods.set(key, method)
    }
    return method
  }
}
