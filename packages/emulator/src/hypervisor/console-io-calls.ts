import { DOM0, type Domid, PAGE_BYTES, VIRQ, XenError } from '@split-driver/abi'
import type { EventChannelCalls } from './event-channel-calls.js'
import { DOMID_XEN, type Hypervisor } from './hypervisor.js'
import { CONSOLE_LOG_FRAMES, header } from './machine-layout.js'

const LOG_BYTES = CONSOLE_LOG_FRAMES * PAGE_BYTES

const NEWLINE = 10

/** Bytes put out before other hypercalls get a turn. */
const BYTES_A_TURN = 4096

/** What the log holds, and how many bytes came before that. */
export interface ConsoleLog {
  readonly bytes: Uint8Array
  readonly dropped: number
}

/**
 * HYPERVISOR_console_io: a console without ring or event channel, for a guest's first words. Every domain may write: on real
 * Xen that takes a build for debugging. Each line says whose it is. @see xen/include/public/xen.h CONSOLEIO_*
 */
export class ConsoleIoCalls {
  readonly #xen: Hypervisor
  readonly #channels: EventChannelCalls
  readonly #words: Int32Array
  readonly #bytes: Uint8Array

  constructor(xen: Hypervisor, channels: EventChannelCalls) {
    this.#xen = xen
    this.#channels = channels
    this.#words = xen.memory.words
    this.#bytes = xen.memory.bytes
  }

  /** CONSOLEIO_write. The control domain hears of it by VIRQ_CON_RING. @throws XenError ESRCH */
  write(caller: Domid, output: Uint8Array): void {
    for (let done = 0; done < output.length; done += BYTES_A_TURN) {
      this.#xen.enter(caller)
      try {
        this.#append(caller, output.subarray(done, done + BYTES_A_TURN))
      } finally {
        this.#xen.leave()
      }
    }
    this.#channels.raiseVirq(DOMID_XEN, DOM0, VIRQ.ConRing)
  }

  /** CONSOLEIO_read. @throws XenError EPERM for all but the control domain; RangeError */
  read(caller: Domid, count: number): Uint8Array {
    if (!Number.isInteger(count) || count < 0) throw new RangeError(`${count} is no number of bytes`)
    this.#xen.enter(caller)
    try {
      if (!this.#xen.isPrivileged(caller))
        throw new XenError('EPERM', `domain ${caller} may not read the machine's console`, {
          detail: { domid: caller },
        })
      const words = this.#words
      const waiting = (words[header.consoleTyped]! - words[header.consoleRead]!) >>> 0
      const taken = Uint8Array.from({ length: Math.min(count, waiting) }, (_, i) => this.#inputAt(i))
      words[header.consoleRead] = (words[header.consoleRead]! + taken.length) | 0
      return taken
    } finally {
      this.#xen.leave()
    }
  }

  /** Somebody types at the machine's console: the control domain hears of it by VIRQ_CONSOLE. @returns bytes that found room */
  type(input: Uint8Array): number {
    const words = this.#words
    this.#xen.enter(DOMID_XEN)
    let room: number
    try {
      const waiting = (words[header.consoleTyped]! - words[header.consoleRead]!) >>> 0
      room = Math.min(input.length, PAGE_BYTES - waiting)
      for (let i = 0; i < room; i++) {
        const at = (words[header.consoleTyped]! + i) & (PAGE_BYTES - 1)
        this.#bytes[this.#inputBase + at] = input[i]!
      }
      words[header.consoleTyped] = (words[header.consoleTyped]! + room) | 0
    } finally {
      this.#xen.leave()
    }
    this.#channels.raiseVirq(DOMID_XEN, DOM0, VIRQ.Console)
    return room
  }

  log(): ConsoleLog {
    this.#xen.enter(DOMID_XEN)
    try {
      const end = this.#words[header.consoleProd]! >>> 0
      const length = Math.min(end, LOG_BYTES)
      const dropped = end - length
      const bytes = Uint8Array.from({ length }, (_, i) => this.#bytes[this.#logBase + ((dropped + i) % LOG_BYTES)]!)
      return { bytes, dropped }
    } finally {
      this.#xen.leave()
    }
  }

  /** Output of one domain after another's unfinished line begins on a line of its own. */
  #append(caller: Domid, output: Uint8Array): void {
    const words = this.#words
    if (words[header.consoleLine] !== 0 && words[header.consoleLine] !== caller + 1) this.#endLine()
    for (const byte of output) {
      if (words[header.consoleLine] === 0 && caller !== DOM0) this.#put(prefixOf(caller))
      words[header.consoleLine] = caller + 1
      if (byte === NEWLINE) this.#endLine()
      else this.#putByte(byte)
    }
  }

  #endLine(): void {
    this.#putByte(NEWLINE)
    this.#words[header.consoleLine] = 0
  }

  #put(text: string): void {
    for (let i = 0; i < text.length; i++) this.#putByte(text.charCodeAt(i))
  }

  #putByte(byte: number): void {
    const end = this.#words[header.consoleProd]! >>> 0
    this.#bytes[this.#logBase + (end % LOG_BYTES)] = byte
    this.#words[header.consoleProd] = (end + 1) | 0
  }

  #inputAt(index: number): number {
    return this.#bytes[this.#inputBase + ((this.#words[header.consoleRead]! + index) & (PAGE_BYTES - 1))]!
  }

  get #logBase(): number {
    return this.#words[header.consoleFrames]! * PAGE_BYTES
  }

  get #inputBase(): number {
    return this.#logBase + LOG_BYTES
  }
}

/** As Xen's own log has it. */
const prefixOf = (domid: Domid): string => `(d${domid}) `
