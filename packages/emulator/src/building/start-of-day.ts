import {
  type FrameNumber,
  PAGE_BYTES,
  PAGE_WORDS,
  type Port,
  START_INFO_MAGIC,
  START_INFO_MAGIC_32,
  StartInfo,
  StartInfo32,
  StartInfoFlag,
} from '@split-driver/abi'
import type { WordBits } from '../hypervisor/machine-layout.js'
import type { MachineMemory } from '../memory/machine-memory.js'

/** A ring page and the port that goes with it. */
export interface RingAddress {
  readonly frame: FrameNumber
  readonly port: Port
}

/** What a domain finds in its start-of-day page. */
export interface StartOfDay {
  /** Width of the guest's longs: how this page and its shared-info page are laid out. */
  readonly wordBits: WordBits
  /** Pages of the domain's own memory. */
  readonly pages: number
  readonly sharedInfo: FrameNumber
  /** The domain may build and end others: the control domain. */
  readonly privileged: boolean
  readonly store: RingAddress
  /** Absent in the control domain. */
  readonly console: RingAddress | undefined
  /** At most 1023 bytes. */
  readonly commandLine: string
}

/** Writes the page at `frame`. @throws RangeError if the command line is too long */
export const writeStartInfo = (memory: MachineMemory, frame: FrameNumber, start: StartOfDay): void => {
  const flags = start.privileged ? StartInfoFlag.Privileged | StartInfoFlag.Initdomain : 0
  const events = { storeEvtchn: start.store.port, consoleEvtchn: start.console?.port ?? 0 }
  const rest = { flags, ...events, cmdLine: start.commandLine }
  const sharedInfo = start.sharedInfo * PAGE_BYTES
  const consoleMfn = start.console?.frame ?? 0
  const words =
    start.wordBits === 32
      ? StartInfo32.create({
          magic: START_INFO_MAGIC_32,
          nrPages: start.pages,
          sharedInfo,
          storeMfn: start.store.frame,
          consoleMfn,
          ...rest,
        })
      : StartInfo.create({
          magic: START_INFO_MAGIC,
          nrPages: BigInt(start.pages),
          sharedInfo: BigInt(sharedInfo),
          storeMfn: BigInt(start.store.frame),
          consoleMfn: BigInt(consoleMfn),
          ...rest,
        })
  memory.frame(frame).copyIn(0, words, 0, words.length)
}

/**
 * Reads the page at `frame`.
 * @param wordBits the domain's, as its record has it
 * @throws TypeError if it is no start-of-day page of that width
 */
export const readStartInfo = (memory: MachineMemory, frame: FrameNumber, wordBits: WordBits): StartOfDay => {
  const words = new Int32Array(PAGE_WORDS)
  memory.frame(frame).copyOut(0, PAGE_WORDS, words, 0)
  const info = wordBits === 32 ? StartInfo32.read(words) : StartInfo.read(words)
  const magic = wordBits === 32 ? START_INFO_MAGIC_32 : START_INFO_MAGIC
  if (info.magic !== magic) throw new TypeError(`frame ${frame} holds no start-of-day page of ${wordBits} bits`)
  return {
    wordBits,
    pages: Number(info.nrPages),
    sharedInfo: Math.floor(Number(info.sharedInfo) / PAGE_BYTES) as FrameNumber,
    privileged: (info.flags & StartInfoFlag.Privileged) !== 0,
    store: { frame: Number(info.storeMfn) as FrameNumber, port: info.storeEvtchn as Port },
    console:
      info.consoleEvtchn === 0
        ? undefined
        : { frame: Number(info.consoleMfn) as FrameNumber, port: info.consoleEvtchn as Port },
    commandLine: info.cmdLine,
  }
}
