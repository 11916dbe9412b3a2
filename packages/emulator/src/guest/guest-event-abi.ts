import { type Domid, FifoControlBlock, PAGE_WORDS, type Port, type SharedMemory, XenError } from '@split-driver/abi'
import {
  EVENT_WORDS_PER_PAGE,
  type EventAbi,
  type EventArray,
  FifoEvents,
  initEventPage,
  type ServedPorts,
  TwoLevelEvents,
  type TwoLevelWords,
  UpcallFlags,
} from '@split-driver/evtchn'
import type { ControlBlock } from '../hypervisor/event-control-calls.js'
import type { Hypercalls } from '../machine.js'
import { FrameMemory } from '../memory/frame-memory.js'
import type { MachineMemory } from '../memory/machine-memory.js'
import type { PageAllocator } from '../memory/page-allocator.js'

/** Pages that a domain of several vcpus gives to its event array at once: only the first of them can add more. */
const PAGES_OF_SEVERAL_VCPUS = 16

export interface EventAbiParts {
  readonly domid: Domid
  readonly vcpu: number
  readonly vcpuCount: number
  readonly eventAbi: 'two-level' | 'fifo'
  readonly memory: MachineMemory
  readonly sharedInfo: SharedMemory
  /** How that page is laid out. */
  readonly words: TwoLevelWords
  readonly calls: Pick<Hypercalls, 'channels' | 'eventControl'>
  /** The domain's free memory; what its first vcpu alone can give out. */
  readonly pages: PageAllocator | undefined
}

/** A vcpu's event ABI, as its own kernel holds it. */
export interface GuestEventAbi {
  readonly abi: EventAbi
  /** Lays out what `port` needs before it is used. @throws XenError ENOSPC if the domain has no page for that */
  cover(port: Port): void
  /** The domain is no more: none of its pages is touched after this. */
  invalidate(): void
}

/**
 * Takes up the ABI; the first vcpu of a domain chooses it for all, and masks every port.
 * @throws XenError EBUSY if the domain is at another one already; ENODEV for a further vcpu before the first; ENOSPC
 */
export const openEventAbi = (parts: EventAbiParts): GuestEventAbi => {
  const { domid, vcpu, vcpuCount, eventAbi, calls } = parts
  const chosen = calls.eventControl.abiOf(domid, vcpu)
  const isFirst = parts.pages !== undefined
  if (isFirst && chosen.abi === 'fifo' && eventAbi === 'two-level')
    throw new XenError('EBUSY', `domain ${domid} has chosen the FIFO event ABI already`, { detail: { domid } })
  const serves: ServedPorts = vcpuCount > 1 ? 'claimed' : 'all'
  const opened = (isFirst ? eventAbi : chosen.abi) === 'fifo' ? openFifo(parts, serves) : openTwoLevel(parts, serves)
  if (isFirst) opened.abi.maskAll()
  return opened
}

const openTwoLevel = ({ sharedInfo, vcpu, words }: EventAbiParts, serves: ServedPorts): GuestEventAbi => ({
  abi: new TwoLevelEvents(sharedInfo, vcpu, words, serves),
  cover: () => {},
  invalidate: () => {},
})

const openFifo = (parts: EventAbiParts, serves: ServedPorts): GuestEventAbi => {
  const { domid, vcpu, vcpuCount, memory, sharedInfo, words, calls, pages } = parts
  const { frame, offset } = pages ? controlBlocks(parts, pages) : controlBlockOf(parts)
  const control = new FrameMemory(memory, frame, 1, 'writable')
  const array = new GuestEventArray(parts)
  if (vcpuCount > 1 && pages) array.cover((PAGES_OF_SEVERAL_VCPUS * EVENT_WORDS_PER_PAGE - 1) as Port)
  const abi = new FifoEvents({
    flags: new UpcallFlags(sharedInfo, vcpu, words),
    control,
    controlWord: offset / 4,
    array,
    unmask: (port) => calls.channels.unmask(domid, port),
    serves,
  })
  const invalidate = () => {
    control.invalidate()
    array.invalidate()
  }
  return { abi, cover: (port) => array.cover(port), invalidate }
}

/** Those of all vcpus lie in one page. One that the domain has from before is taken up again. */
const controlBlocks = (
  { domid, vcpu, vcpuCount, calls, memory }: EventAbiParts,
  pages: PageAllocator,
): ControlBlock => {
  const before = calls.eventControl.abiOf(domid, vcpu).control
  if (before) {
    pages.reserve(before.frame)
    return before
  }
  const frame = allocatePage(pages)
  memory.words.fill(0, frame * PAGE_WORDS, (frame + 1) * PAGE_WORDS)
  for (let each = 0; each < vcpuCount; each++)
    calls.eventControl.initControl(domid, { vcpu: each, frame, offset: each * FifoControlBlock.bytes })
  return { vcpu, frame, offset: vcpu * FifoControlBlock.bytes }
}

const controlBlockOf = ({ domid, vcpu, calls }: EventAbiParts): ControlBlock => {
  const { control } = calls.eventControl.abiOf(domid, vcpu)
  if (control) return control
  throw new XenError('ENODEV', `vcpu ${vcpu} of domain ${domid} has no control block`, { detail: { domid, vcpu } })
}

const allocatePage = (pages: PageAllocator): number => {
  try {
    return pages.allocate(1)
  } catch (error) {
    throw new XenError('ENOSPC', 'the domain has no page for event channels', { cause: error })
  }
}

/** The pages of a domain's event array, each of which is laid out when a port first needs it. */
class GuestEventArray implements EventArray {
  readonly #parts: EventAbiParts
  readonly #pages: FrameMemory[] = []

  constructor(parts: EventAbiParts) {
    this.#parts = parts
    while (this.#adopt(this.#pages.length)) parts.pages?.reserve(this.#frame(this.#pages.length - 1))
  }

  /** A further vcpu learns of a page that the first one has laid out when it first needs it. */
  page(index: number): SharedMemory | undefined {
    const known = this.#pages[index]
    if (known !== undefined || this.#parts.pages) return known
    while (this.#pages.length <= index && this.#adopt(this.#pages.length));
    return this.#pages[index]
  }

  cover(port: Port): void {
    const { domid, calls, memory, pages } = this.#parts
    while (this.page(Math.floor(port / EVENT_WORDS_PER_PAGE)) === undefined) {
      if (!pages)
        throw new XenError('ENOSPC', `port ${port} lies beyond the event array of domain ${domid}`, {
          detail: { port },
        })
      const frame = allocatePage(pages)
      const page = new FrameMemory(memory, frame, 1, 'writable')
      initEventPage(page)
      calls.eventControl.expandArray(domid, frame)
      this.#pages.push(page)
    }
  }

  invalidate(): void {
    for (const page of this.#pages) page.invalidate()
  }

  #adopt(index: number): boolean {
    const frame = this.#frame(index)
    if (frame === 0) return false
    this.#pages.push(new FrameMemory(this.#parts.memory, frame, 1, 'writable'))
    return true
  }

  #frame(index: number): number {
    return this.#parts.calls.eventControl.arrayFrame(this.#parts.domid, index)
  }
}
