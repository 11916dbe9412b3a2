import { FlatMemory, PAGE_BYTES, PAGE_WORDS } from '@split-driver/abi'
import { CONSOLE_LOG_FRAMES, domainRecord, header, MACHINE_MAGIC } from '../hypervisor/machine-layout.js'
import type { MachineViews } from './frame-memory.js'

export interface MachineSize {
  /** Memory of the whole machine in MiB; untouched pages cost nothing. Default 256. */
  readonly memoryMiB?: number
  /** How many domains can exist at a time. Default 64. */
  readonly maxDomains?: number
}

/** Frames of one group of views, as a power of two. */
const GROUP_SHIFT = 8

/** The machine's memory as one thread sees it: frames of 4 KiB in one SharedArrayBuffer. */
export class MachineMemory implements MachineViews {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly halfWords: Uint16Array
  readonly bytes: Uint8Array
  /** In groups: a long array with few elements is a slow one. */
  readonly #frames: (FlatMemory | undefined)[][] = []

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.words = new Int32Array(buffer)
    this.halfWords = new Uint16Array(buffer)
    this.bytes = new Uint8Array(buffer)
  }

  /** Builds an empty machine: its hypervisor is there, no domain yet. @throws RangeError for sizes that cannot be */
  static create({ memoryMiB = 256, maxDomains = 64 }: MachineSize = {}): MachineMemory {
    const frameCount = memoryMiB * 256
    if (!Number.isInteger(frameCount) || memoryMiB < 1 || memoryMiB > 4095)
      throw new RangeError(`memoryMiB must be from 1 to 4095, not ${memoryMiB}`)
    if (!Number.isInteger(maxDomains) || maxDomains < 1 || maxDomains > 0x7fef)
      throw new RangeError(`maxDomains must be an integer from 1 to ${0x7fef}, not ${maxDomains}`)
    const machine = new MachineMemory(new SharedArrayBuffer(frameCount * PAGE_BYTES))
    const frameTable = 1
    const domainTable = frameTable + Math.ceil(frameCount / PAGE_WORDS)
    const consoleFrames = domainTable + Math.ceil((maxDomains * domainRecord.words) / PAGE_WORDS)
    const firstFree = consoleFrames + CONSOLE_LOG_FRAMES + 1
    if (firstFree >= frameCount)
      throw new RangeError(`${memoryMiB} MiB cannot hold the tables of ${maxDomains} domains`)
    const { words } = machine
    words[header.frameCount] = frameCount
    words[header.domainSlots] = maxDomains
    words[header.frameTable] = frameTable
    words[header.domainTable] = domainTable
    words[header.consoleFrames] = consoleFrames
    words[header.firstFree] = firstFree
    words[header.freeHint] = firstFree
    words[header.magic] = MACHINE_MAGIC
    return machine
  }

  /** Opens memory that another thread created. @throws TypeError if this is none */
  static open(memory: SharedArrayBuffer): MachineMemory {
    const machine = new MachineMemory(memory)
    if (machine.words[header.magic] !== MACHINE_MAGIC) throw new TypeError('this memory holds no emulated machine')
    return machine
  }

  get frameCount(): number {
    return this.words[header.frameCount]!
  }

  /** The hypervisor's own, unchecked view of one frame. Kept, so that hot paths make none. */
  frame(frame: number): FlatMemory {
    const group = frame >> GROUP_SHIFT
    const frames = this.#frames[group] ?? new Array<FlatMemory | undefined>(1 << GROUP_SHIFT).fill(undefined)
    this.#frames[group] = frames
    const place = frame & ((1 << GROUP_SHIFT) - 1)
    const memory = frames[place] ?? new FlatMemory(this.buffer, frame * PAGE_BYTES, PAGE_BYTES)
    frames[place] = memory
    return memory
  }
}
