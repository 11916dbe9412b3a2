import type { Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { IoctlArgument } from './emulated-nodes-argument.js'
import type { KernelPorts } from './emulated-nodes-ports.js'
import { refused } from './emulated-nodes-refusal.js'

const CLEAR_BYTE = 1
const SEND_EVENT = 2

/** What a process's end tells its peer: a byte that becomes 0, an event. @see xen/sys/gntdev.h UNMAP_NOTIFY_* */
export class UnmapNotice {
  readonly #action: number
  readonly #port: Port

  /**
   * @param byteInRange which byte of the mapping's memory to clear
   * @throws SystemCallError EINVAL for an unknown action, or a port that no file has bound
   */
  constructor(
    argument: IoctlArgument,
    readonly byteInRange: number,
    private readonly ports: KernelPorts,
    private readonly events: EventChannels,
  ) {
    this.#action = argument.u32(8)
    this.#port = argument.u32(12) as Port
    if (this.#action & ~(CLEAR_BYTE | SEND_EVENT)) throw refused('EINVAL', `unknown action ${this.#action}`)
    if (this.#sends && !this.ports.get(this.#port)) throw refused('EINVAL', `port ${this.#port} is not bound`)
  }

  get clears(): boolean {
    return (this.#action & CLEAR_BYTE) !== 0
  }

  get #sends(): boolean {
    return (this.#action & SEND_EVENT) !== 0
  }

  /** The pages are about to be let go of. */
  clear(memory: SharedMemory): void {
    if (this.clears) memory.store8(this.byteInRange, 0)
  }

  /** The pages have been let go of. */
  send(): void {
    if (!this.#sends) return
    this.events.notify(this.#port)
    this.ports.put(this.#port)
  }

  /** Another one takes its place. */
  drop(): void {
    if (this.#sends) this.ports.put(this.#port)
  }
}
