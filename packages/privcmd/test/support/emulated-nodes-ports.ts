import type { Port } from '@split-driver/abi'

/** Which ports of the kernel are in use, and by how many: files, and notices to be given on unmap. */
export class KernelPorts {
  readonly #ports = new Map<Port, { users: number; readonly close: () => void }>()

  opened(port: Port, close: () => void): void {
    this.#ports.set(port, { users: 1, close })
  }

  /** @returns false if no file has bound it */
  get(port: Port): boolean {
    const open = this.#ports.get(port)
    if (open !== undefined) open.users++
    return open !== undefined
  }

  /** The last user closes it. */
  put(port: Port): void {
    const open = this.#ports.get(port)
    if (open === undefined || --open.users > 0) return
    this.#ports.delete(port)
    open.close()
  }
}
