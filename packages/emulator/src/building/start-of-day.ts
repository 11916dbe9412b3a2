import {
  type FrameNumber,
  PAGE_BYTES,
  PAGE_WORDS,
  type Port,
  START_INFO_MAGIC,
  StartInfo,
  StartInfoFlag,
} from '@split-driver/abi'
import type { MachineMemory } from '../memory/machine-memory.js'

/** A ring page and the port that goes with it. */
export interface RingAddress {
  readonly frame: FrameNumber
  readonly port: Port
}

/** What a domain finds in its start-of-day page. */
export interface StartOfDay {
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
  const words = StartInfo.create({
    magic: START_INFO_MAGIC,
    nrPages: BigInt(start.pages),
    sharedInfo: BigInt(start.sharedInfo) * BigInt(PAGE_BYTES),
    flags: start.privileged ? StartInfoFlag.Privileged | StartInfoFlag.Initdomain : 0,
    storeMfn: BigInt(start.store.frame),
    storeEvtchn: start.store.port,
    consoleMfn: BigInt(start.console?.frame ?? 0),
    consoleEvtchn: start.console?.port ?? 0,
    cmdLine: start.commandLine,
  })
  memory.frame(frame).copyIn(0, words, 0, StartInfo.words)
}

/** Reads the page at `frame`. @throws TypeError if it is no start-of-day page */
export const readStartInfo = (memory: MachineMemory, frame: FrameNumber): StartOfDay => {
  const words = new Int32Array(PAGE_WORDS)
  memory.frame(frame).copyOut(0, StartInfo.words, words, 0)
  const info = StartInfo.read(words)
  if (info.magic !== START_INFO_MAGIC) throw new TypeError(`frame ${frame} holds no start-of-day page`)
  return {
    pages: Number(info.nrPages),
    sharedInfo: Number(info.sharedInfo / BigInt(PAGE_BYTES)) as FrameNumber,
    privileged: (info.flags & StartInfoFlag.Privileged) !== 0,
    store: { frame: Number(info.storeMfn) as FrameNumber, port: info.storeEvtchn as Port },
    console:
      info.consoleEvtchn === 0
        ? undefined
        : { frame: Number(info.consoleMfn) as FrameNumber, port: info.consoleEvtchn as Port },
    commandLine: info.cmdLine,
  }
}
