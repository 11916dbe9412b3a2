import { type Domid, PAGE_BYTES, PAGE_WORDS, type Port, type SharedMemory } from '@split-driver/abi'
import type { EventAnswer, EventOperation, ObservedPort } from '@split-driver/conformance'
import type { BuiltDomain, Machine } from '@split-driver/emulator'
import {
  EVENT_WORDS_PER_PAGE,
  FifoEvents,
  initEventPage,
  TWO_LEVEL_32,
  TWO_LEVEL_64,
  TwoLevelEvents,
  UpcallFlags,
} from '@split-driver/evtchn'

/** More than there are ports: an upcall serves all that there is. */
const NO_LIMIT = 1000

/** Where a control block lies in its page, in bytes. */
const CONTROL_OFFSET = 128

/** The first page of a domain's memory that its builder does not use, counted from the one of its store ring. */
const FIRST_FREE = 2

type Place = Extract<EventOperation, { readonly op: 'initControl' }>['place']

/** What a guest's kernel does to its own pages, on both event ABIs and for every vcpu; it decides nothing by itself. */
export class RawGuest {
  readonly #domid: Domid
  readonly #machine: Machine
  readonly #sharedInfo: SharedMemory
  readonly #firstPage: number
  readonly #strangePage: number
  readonly #flags: readonly UpcallFlags[]
  readonly #twoLevel: readonly TwoLevelEvents[]
  #fifo: (FifoEvents | undefined)[] = []
  #array: SharedMemory[] = []
  #isFifo = false
  #pagesTaken = 0

  constructor(machine: Machine, { domid, start }: BuiltDomain, vcpus: number) {
    this.#domid = domid
    this.#machine = machine
    this.#sharedInfo = machine.memory.frame(start.sharedInfo)
    this.#firstPage = start.store.frame + FIRST_FREE
    this.#strangePage = start.sharedInfo
    const words = start.wordBits === 32 ? TWO_LEVEL_32 : TWO_LEVEL_64
    this.#flags = Array.from({ length: vcpus }, (_, vcpu) => new UpcallFlags(this.#sharedInfo, vcpu, words))
    this.#twoLevel = this.#flags.map((_, vcpu) => new TwoLevelEvents(this.#sharedInfo, vcpu, words))
  }

  /** All that its pages hold is gone, and all its ports are masked. To be called with none open, under the two-level ABI. */
  reset(): void {
    this.#sharedInfo.mutableBytes(0, PAGE_BYTES).fill(0)
    this.#twoLevel[0]!.maskAll()
    this.forgetFifo()
    this.#pagesTaken = 0
  }

  /** EVTCHNOP_reset was made: the pages of the FIFO ABI are nobody's. */
  forgetFifo(): void {
    this.#isFifo = false
    this.#fifo = this.#flags.map(() => undefined)
    this.#array = []
  }

  initControl(vcpu: number, place: Place): EventAnswer {
    const frame = place === 'no page of ours' ? this.#strangePage : this.#freshPage()
    const offset = place === 'askew' ? CONTROL_OFFSET + 4 : CONTROL_OFFSET
    this.#machine.calls.eventControl.initControl(this.#domid, { vcpu, frame, offset })
    this.#isFifo = true
    this.#fifo[vcpu] = new FifoEvents({
      flags: this.#flags[vcpu]!,
      control: this.#machine.memory.frame(frame),
      controlWord: offset / 4,
      array: { page: (index) => this.#array[index] },
      unmask: (port) => this.#machine.calls.channels.unmask(this.#domid, port),
    })
    return undefined
  }

  expandArray(place: Place): EventAnswer {
    const frame = place === 'own page' ? this.#freshPage() : this.#strangePage
    if (place === 'own page') initEventPage(this.#machine.memory.frame(frame))
    this.#machine.calls.eventControl.expandArray(this.#domid, frame)
    this.#array.push(this.#machine.memory.frame(frame))
    return undefined
  }

  /** An upcall of this vcpu that is given all the time it needs. */
  serve(vcpu: number): readonly number[] {
    const flags = this.#flags[vcpu]
    const events = this.#isFifo ? this.#fifo[vcpu] : this.#twoLevel[vcpu]
    const served: number[] = []
    if (events) events.upcall({ deliver: (port) => void served.push(port) }, NO_LIMIT)
    else flags?.take()
    return this.#isFifo ? served : served.sort((a, b) => a - b)
  }

  mask(port: Port): undefined {
    if (this.#covers(port)) this.#events(port).mask(port)
  }

  clearMask(port: Port): undefined {
    if (this.#covers(port)) this.#events(port).unmask(port)
  }

  bitsOf(port: Port): Pick<ObservedPort, 'pending' | 'masked'> {
    if (this.#isFifo && !this.#hasWord(port)) return { pending: false, masked: true }
    const events = this.#isFifo ? this.#anyFifo : this.#twoLevel[0]!
    return { pending: events.isPending(port), masked: events.isMasked(port) }
  }

  isDue(vcpu: number): boolean {
    return this.#flags[vcpu]!.pending
  }

  /** A guest signals a two-level port on the vcpu that it is bound to. */
  #events(port: Port): TwoLevelEvents | FifoEvents {
    if (this.#isFifo) return this.#anyFifo
    const { vcpu } = this.#machine.calls.channels.status(this.#domid, this.#domid, port)
    return this.#twoLevel[vcpu]!
  }

  /** All that belongs to no vcpu is the same with each. */
  get #anyFifo(): FifoEvents {
    return this.#fifo.find((events) => events !== undefined)!
  }

  #covers(port: number): boolean {
    return port > 0 && port < 128 && (!this.#isFifo || this.#hasWord(port))
  }

  #hasWord(port: number): boolean {
    return port < this.#array.length * EVENT_WORDS_PER_PAGE
  }

  #freshPage(): number {
    const frame = this.#firstPage + this.#pagesTaken++
    this.#machine.memory.words.fill(0, frame * PAGE_WORDS, (frame + 1) * PAGE_WORDS)
    return frame
  }
}
