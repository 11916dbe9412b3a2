import { EVTCHN_FIFO_QUEUES, FlatMemory, PAGE_WORDS, type Port, type SharedMemory } from '@split-driver/abi'
import {
  type EventArray,
  type FifoDomain,
  FifoEvents,
  initEventPage,
  type ServedPorts,
  setFifoPending,
  UpcallFlags,
  unmaskFifoPort,
} from '@split-driver/evtchn'

/** Where a control block lies in its page, in words. */
const CONTROL_WORD = 18

/** First and last ports of pages, and of the whole. */
export const interestingFifoPorts = [1, 31, 32, 1023, 1024, 4095, 4096, 131_071] as Port[]

/** A domain of several vcpus with an event array of all its pages, both sides of it: `send` plays the hypervisor. */
export class TestFifoDomain implements FifoDomain, EventArray {
  readonly sharedInfo = FlatMemory.allocate(4096)
  readonly #controls: SharedMemory[]
  readonly #pages = new Map<number, SharedMemory>()
  readonly #tails = new Map<number, number>()
  readonly #lastQueues = new Map<number, number>()
  readonly #place = new Map<Port, { vcpu: number; priority: number }>()
  readonly #flags: UpcallFlags[]
  /** Vcpus that would be woken. */
  readonly woken: number[] = []
  /** Pages of the array that are there. */
  pageCount: number

  constructor({ vcpus = 1, pageCount = 128 } = {}) {
    this.pageCount = pageCount
    this.#controls = Array.from({ length: vcpus }, () => FlatMemory.allocate(4096))
    this.#flags = Array.from({ length: vcpus }, (_, vcpu) => new UpcallFlags(this.sharedInfo, vcpu))
  }

  events(vcpu = 0, serves: ServedPorts = 'all'): FifoEvents {
    return new FifoEvents({
      flags: this.#flags[vcpu]!,
      control: this.#controls[vcpu]!,
      controlWord: CONTROL_WORD,
      array: this,
      unmask: (port) => this.unmask(port),
      serves,
    })
  }

  /** From its next link on the port is served there. */
  place(port: Port, vcpu: number, priority: number): void {
    this.#place.set(port, { vcpu, priority })
  }

  send(port: Port): boolean {
    const { vcpu, priority } = this.#placeOf(port)
    const wake = setFifoPending(this, port, vcpu, priority)
    if (wake) this.woken.push(vcpu)
    return wake
  }

  unmask(port: Port): void {
    const { vcpu, priority } = this.#placeOf(port)
    if (unmaskFifoPort(this, port, vcpu, priority)) this.woken.push(vcpu)
  }

  word(port: Port): number {
    return this.page(Math.floor(port / PAGE_WORDS))!.loadOrdered(port % PAGE_WORDS) >>> 0
  }

  setWord(port: Port, value: number): void {
    this.page(Math.floor(port / PAGE_WORDS))!.storeOrdered(port % PAGE_WORDS, value)
  }

  ready(vcpu = 0): number {
    return this.#controls[vcpu]!.load(CONTROL_WORD)
  }

  head(priority: number, vcpu = 0): number {
    return this.#controls[vcpu]!.load(CONTROL_WORD + 2 + priority)
  }

  setHead(priority: number, port: number): void {
    this.#controls[0]!.store(CONTROL_WORD + 2 + priority, port)
  }

  setReady(bits: number): void {
    this.#controls[0]!.store(CONTROL_WORD, bits)
    this.#flags[0]!.raise()
  }

  page(index: number): SharedMemory | undefined {
    if (index >= this.pageCount) return undefined
    let page = this.#pages.get(index)
    if (page === undefined) {
      page = FlatMemory.allocate(4096)
      initEventPage(page)
      this.#pages.set(index, page)
    }
    return page
  }

  arrayPage(port: number): SharedMemory | undefined {
    return this.page(Math.floor(port / PAGE_WORDS))
  }

  controlPage(vcpu: number): SharedMemory | undefined {
    return this.#controls[vcpu]
  }

  controlWord(): number {
    return CONTROL_WORD
  }

  tail(queue: number): number {
    return this.#tails.get(queue) ?? 0
  }

  setTail(queue: number, port: number): void {
    this.#tails.set(queue, port)
  }

  lastQueue(port: number): number {
    return this.#lastQueues.get(port) ?? 0
  }

  setLastQueue(port: number, queue: number): void {
    if (queue >= this.#controls.length * EVTCHN_FIFO_QUEUES) throw new Error(`there is no queue ${queue}`)
    this.#lastQueues.set(port, queue)
  }

  raiseUpcall(vcpu: number): boolean {
    return this.#flags[vcpu]!.raise()
  }

  #placeOf(port: Port): { vcpu: number; priority: number } {
    return this.#place.get(port) ?? { vcpu: 0, priority: 7 }
  }
}

/** Notes what is delivered; ends the interrupt at once if told so. */
export class Sink {
  readonly served: Port[] = []
  constructor(readonly onDelivery: (port: Port) => void = () => {}) {}
  deliver(port: Port): void {
    this.served.push(port)
    this.onDelivery(port)
  }
  taken(): Port[] {
    return this.served.splice(0)
  }
}
