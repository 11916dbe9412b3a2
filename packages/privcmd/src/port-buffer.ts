import type { Port } from '@split-driver/abi'
import type { DeviceNode } from './device-node.js'
import { PORT_BYTES } from './evtchn-ioctl.js'
import { SystemCallError } from './system-call-error.js'

/** Ports in one read: as many as the kernel gives out at once. */
const READ_PORTS = 1024

/**
 * Ports that were read from the node and wait for their turn, and those that the kernel keeps masked because it has given
 * them out. What is read is bounded by the ports that are bound: none comes twice before it is given back.
 */
export class PortBuffer {
  readonly #node: DeviceNode
  readonly #ports = new Uint32Array(READ_PORTS)
  readonly #bytes = new Uint8Array(this.#ports.buffer)
  readonly #word = new Uint32Array(1)
  readonly #wordBytes = new Uint8Array(this.#word.buffer)
  /** A set, so that a port that is unbound can be taken out, and a lost one put in once. */
  readonly #waiting = new Set<Port>()
  readonly #masked = new Set<Port>()

  constructor(node: DeviceNode) {
    this.#node = node
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /**
   * Reads what the kernel has, once.
   * @param limit ports at most
   * @returns false when the kernel's buffer has overflowed
   */
  fetch(limit: number): boolean {
    try {
      const bytes = this.#node.read(this.#bytes.subarray(0, limit * PORT_BYTES))
      for (let i = 0; i < bytes / PORT_BYTES; i++) this.#put(this.#ports[i] as Port)
      return true
    } catch (error) {
      if (SystemCallError.is(error, 'EFBIG')) return false
      throw this.#node.refusal(error, 'cannot read events')
    }
  }

  /** The next port, which stays masked until it is given back. */
  take(): Port | undefined {
    for (const port of this.#waiting) {
      this.#waiting.delete(port)
      return port
    }
    return undefined
  }

  /** Each of `ports` counts as read from here on. */
  fill(ports: readonly Port[]): void {
    for (const port of ports) this.#put(port)
  }

  /** Unmasks a port; without effect on one that the kernel has not given out. */
  giveBack(port: Port): void {
    if (this.#masked.delete(port)) this.#unmask(port)
  }

  /** As `giveBack`, of all. What waits here goes on waiting, and may come again. */
  giveAllBack(): void {
    for (const port of this.#masked) this.#unmask(port)
    this.#masked.clear()
  }

  /**
   * The kernel has unbound these. It may have delivered them before that, and their numbers come again: what it holds is
   * read to its end, so that nothing of the old port is taken for the new one's (hostile row E2).
   * @returns whether others wait now
   */
  forget(...ports: readonly (Port | undefined)[]): boolean {
    while (this.#fetchMore()) {}
    for (const port of ports) {
      if (port === undefined) continue
      this.#waiting.delete(port)
      this.#masked.delete(port)
    }
    return this.size > 0
  }

  clear(): void {
    this.#waiting.clear()
    this.#masked.clear()
  }

  /** An overflow is left for the next turn, which counts every port that is open then as delivered. */
  #fetchMore(): boolean {
    const before = this.#masked.size
    return this.fetch(READ_PORTS) && this.#masked.size > before
  }

  #unmask(port: Port): void {
    this.#word[0] = port
    try {
      this.#node.write(this.#wordBytes)
    } catch (error) {
      throw this.#node.refusal(error, `cannot unmask port ${port}`, { port })
    }
  }

  #put(port: Port): void {
    this.#waiting.add(port)
    this.#masked.add(port)
  }
}
