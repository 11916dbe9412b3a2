import type { Field, Field64, SharedMemory } from '@split-driver/abi'
import { HEADER_WORDS, ringSizeOf } from '@split-driver/ring'
import type { SlotLayout, SlotLayouts } from './slot-layouts.js'

const endOf = (field: Field<unknown> | undefined): number => (field === undefined ? 0 : field.offset + field.bytes)

/** Words that have to be fetched to know a slot's fields. */
const wordsOf = ({ at }: SlotLayout): number =>
  Math.ceil(Math.max(endOf(at.id), endOf(at.operation), endOf(at.status)) / 4)

/** The id as a number where it is one exactly. */
const idOf = (field: Field<number> | Field64, words: Int32Array): number | bigint => {
  const id = 'getNumber' in field ? field.getNumber(words, 0) : field.get(words, 0)
  return Number.isFinite(id) ? id : field.get(words, 0)
}

/**
 * Reads the entries of a request ring whose device is known. It fetches what the ring's owner fetches, once more: the other
 * end may have changed it between, so what is shown is a witness, not the judged copy.
 */
export class SlotReader {
  id: number | bigint = 0
  op = 0
  status = 0
  readonly #memory: SharedMemory
  readonly #find: () => SlotLayouts | undefined
  #layouts: SlotLayouts | undefined
  #version = -1
  #ringSize = 0
  #words = new Int32Array(0)

  /** @param find the layouts, as soon as they are known */
  constructor(memory: SharedMemory, find: () => SlotLayouts | undefined) {
    this.#memory = memory
    this.#find = find
  }

  /** In slots; 0 while the device is not known. @param version of what is known of devices */
  ringSize(version: number): number {
    if (this.#layouts === undefined && this.#version !== version) {
      this.#version = version
      this.#adopt(this.#find())
    }
    return this.#ringSize
  }

  readRequest(index: number): void {
    this.#read(this.#layouts!.request, index)
  }

  readResponse(index: number): void {
    this.#read(this.#layouts!.response, index)
  }

  #read(layout: SlotLayout, index: number): void {
    const words = this.#words
    const word = HEADER_WORDS + (index & (this.#ringSize - 1)) * (this.#layouts!.slotBytes / 4)
    this.#memory.copyOut(word, wordsOf(layout), words, 0)
    this.id = idOf(layout.at.id, words)
    this.op = layout.at.operation?.get(words, 0) ?? 0
    this.status = layout.at.status?.get(words, 0) ?? 0
  }

  #adopt(layouts: SlotLayouts | undefined): void {
    // Half a page of something else can be published as a ring; there is nothing in it to be read then.
    if (layouts === undefined || this.#memory.byteLength < HEADER_WORDS * 4 + layouts.slotBytes) return
    this.#layouts = layouts
    this.#ringSize = ringSizeOf(this.#memory.byteLength, layouts.slotBytes)
    this.#words = new Int32Array(Math.max(wordsOf(layouts.request), wordsOf(layouts.response)))
  }
}
