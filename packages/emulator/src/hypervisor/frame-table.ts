import { type Domid, PAGE_BYTES, PAGE_WORDS, XenError } from '@split-driver/abi'
import type { MachineMemory } from '../memory/machine-memory.js'
import { FrameOwner, header } from './machine-layout.js'

/** Who owns each frame of the machine: one word a frame. Callers hold the machine's lock. */
export class FrameTable {
  readonly #memory: MachineMemory
  readonly #base: number

  constructor(memory: MachineMemory) {
    this.#memory = memory
    this.#base = memory.words[header.frameTable]! * PAGE_WORDS
  }

  /** `count` zeroed frames side by side. @returns the first. @throws XenError ENOMEM */
  allocate(count: number, owner: number): number {
    const first = this.tryAllocate(count, owner)
    if (first >= 0) return first
    throw new XenError('ENOMEM', `the machine has no ${count} free frames side by side`, { detail: { count } })
  }

  /** As `allocate`, but −1 if there are none. */
  tryAllocate(count: number, owner: number): number {
    const { words, frameCount } = this.#memory
    let run = 0
    let lowestFree = -1
    for (let frame = words[header.freeHint]!; frame < frameCount; frame++) {
      run = words[this.#base + frame] === FrameOwner.Free ? run + 1 : 0
      if (run > 0 && lowestFree < 0) lowestFree = frame
      if (run < count) continue
      const first = frame - count + 1
      this.assign(first, count, owner)
      words[header.freeHint] = first === lowestFree ? frame + 1 : lowestFree
      return first
    }
    return -1
  }

  assign(first: number, count: number, owner: number): void {
    this.#memory.words.fill(owner, this.#base + first, this.#base + first + count)
  }

  /** Zeroed as they go, so that nothing of one domain reaches the next. */
  free(first: number, count: number): void {
    this.#memory.bytes.fill(0, first * PAGE_BYTES, (first + count) * PAGE_BYTES)
    this.assign(first, count, FrameOwner.Free)
    const { words } = this.#memory
    if (first < words[header.freeHint]!) words[header.freeHint] = first
  }

  isOwnedBy(frame: number, domid: Domid): boolean {
    return frame < this.#memory.frameCount && this.#memory.words[this.#base + frame] === FrameOwner.firstDomain + domid
  }

  /** Whose memory a frame of the machine is; `undefined` for free ones and the hypervisor's own. */
  ownerOf(frame: number): Domid | undefined {
    const owner = this.#memory.words[this.#base + frame]!
    return owner < FrameOwner.firstDomain ? undefined : ((owner - FrameOwner.firstDomain) as Domid)
  }

  /** Frames that nobody holds. */
  countFree(): number {
    const { words, frameCount } = this.#memory
    let free = 0
    for (let frame = words[header.firstFree]!; frame < frameCount; frame++)
      if (words[this.#base + frame] === FrameOwner.Free) free++
    return free
  }
}
