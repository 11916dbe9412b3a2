import { FlatMemory, type Port, SharedInfo, type SharedMemory } from '@split-driver/abi'
import { PortDispatcher, setPending, TwoLevelEvents } from '@split-driver/evtchn'

/** First and last bits of words, of selector halves and of the whole. */
export const interestingPorts = [1, 31, 32, 63, 64, 2047, 2048, 4032, 4095] as Port[]

/** A guest with one vcpu whose upcalls run when `pump` is called; `sent` plays the hypervisor. */
export class TestGuest {
  readonly page: SharedMemory = FlatMemory.allocate(4096)
  readonly events = new TwoLevelEvents(this.page)
  readonly dispatcher = new PortDispatcher(this.events, () => {
    this.upcallRequested = true
  })
  readonly delivered: Port[] = []
  upcallRequested = false

  constructor() {
    this.events.maskAll()
  }

  /** A port with a listener that leaves the `eoi` to the test. */
  openAndListen(port: Port): void {
    this.dispatcher.open(port)
    this.listen(port)
  }

  listen(port: Port): void {
    this.dispatcher.listen(port, (delivered) => {
      this.delivered.push(delivered)
    })
  }

  send(port: Port): boolean {
    const wake = setPending(this.page, 0, port)
    if (wake) this.upcallRequested = true
    return wake
  }

  /** Runs the upcalls that are due, and no others. */
  pump(budget = 100): void {
    for (let calls = 0; this.upcallRequested; calls++) {
      if (calls > 10_000) throw new Error('upcalls without end')
      this.upcallRequested = false
      const before = this.delivered.length
      if (this.events.upcall(this.dispatcher, budget)) this.upcallRequested = true
      if (this.delivered.length - before > budget) throw new Error('more deliveries than the budget')
    }
  }

  taken(): Port[] {
    return this.delivered.splice(0)
  }

  /** Nothing is left that somebody still waits for: no wake-up is owed. */
  get quiet(): boolean {
    const words = new Int32Array(SharedInfo.words)
    this.page.copyOut(0, SharedInfo.words, words, 0)
    const { evtchnPending, evtchnMask, vcpuInfo } = SharedInfo.read(words)
    return (
      vcpuInfo[0]!.evtchnUpcallPending === 0 &&
      vcpuInfo[0]!.evtchnPendingSel === 0n &&
      evtchnPending.every((bits, i) => (bits & ~evtchnMask[i]!) === 0)
    )
  }
}
