import { PAGE_WORDS } from './page.js'
import { SharedInfo, VcpuInfo, VcpuTimeInfo } from './shared-info.js'
import type { SharedMemory } from './shared-memory.js'
import { XenError } from './xen-error.js'

/**
 * How often a reader begins again before it gives up. A writer changes some words only, so more than one repetition is rare;
 * one that never lets a reader through is hostile or dead.
 */
const TRIES = 1000

/** The part of the shared-info page from `wc_version` to `wc_sec_hi`. */
const WC_WORD = SharedInfo.at.wcVersion.word
const WC_WORDS = SharedInfo.at.wcSecHi.word + 1 - WC_WORD

/** Time of one vcpu as the hypervisor last wrote it. Nanoseconds, as safe integers. */
export interface VcpuTime {
  /** Of the machine's start, when `tscTimestamp` was taken. */
  readonly systemTime: number
  readonly tscTimestamp: number
  readonly tscToSystemMul: number
  readonly tscShift: number
}

/** When the machine started: since 1970. */
export interface WallClock {
  readonly seconds: number
  readonly nanoseconds: number
}

/**
 * Fetches words that a writer guards by a version before them, odd while it writes.
 * @see xen/include/public/xen.h vcpu_time_info
 * @throws XenError EAGAIN if no quiet moment was met
 */
const fetchVersioned = (memory: SharedMemory, word: number, count: number): Int32Array => {
  const copy = new Int32Array(count)
  for (let i = 0; i < TRIES; i++) {
    const version = memory.loadOrdered(word)
    if ((version & 1) !== 0) continue
    memory.copyOut(word, count, copy, 0)
    if (memory.loadOrdered(word) === version) return copy
  }
  throw new XenError('EAGAIN', `the words at ${word} were being written each of ${TRIES} times`)
}

/** Stores what comes after a version, between two steps of it. There is one writer only. */
const storeVersioned = (memory: SharedMemory, word: number, values: Int32Array): void => {
  const version = memory.load(word) | 1
  memory.storeOrdered(word, version)
  memory.copyIn(word + 1, values, 1, values.length - 1)
  memory.storeOrdered(word, version + 1)
}

const vcpuTimeWord = (vcpu: number): number => {
  if (Number.isInteger(vcpu) && vcpu >= 0 && vcpu < SharedInfo.at.vcpuInfo.count)
    return SharedInfo.at.vcpuInfo.wordOf(vcpu) + VcpuInfo.at.time.word
  throw new RangeError(`the shared-info page holds no vcpu ${vcpu}`)
}

/** @throws XenError EAGAIN, as for a page that somebody writes without end; RangeError for a vcpu beyond the page's 32 */
export const readVcpuTime = (sharedInfo: SharedMemory, vcpu: number): VcpuTime => {
  const { at, words } = VcpuTimeInfo
  const copy = fetchVersioned(sharedInfo, vcpuTimeWord(vcpu), words)
  return {
    systemTime: at.systemTime.getNumber(copy, 0),
    tscTimestamp: at.tscTimestamp.getNumber(copy, 0),
    tscToSystemMul: at.tscToSystemMul.get(copy, 0),
    tscShift: at.tscShift.get(copy, 0),
  }
}

/** The hypervisor's half. Not for two writers at a time. */
export const writeVcpuTime = (sharedInfo: SharedMemory, vcpu: number, time: VcpuTime): void => {
  storeVersioned(
    sharedInfo,
    vcpuTimeWord(vcpu),
    VcpuTimeInfo.create({
      systemTime: BigInt(time.systemTime),
      tscTimestamp: BigInt(time.tscTimestamp),
      tscToSystemMul: time.tscToSystemMul,
      tscShift: time.tscShift,
    }),
  )
}

/**
 * System time, in nanoseconds, at a moment of the TSC's. @see xen/include/public/xen.h vcpu_time_info
 * @param tsc not before `time.tscTimestamp`
 */
export const systemTimeAt = (time: VcpuTime, tsc: number): number => {
  const ticks = BigInt(tsc - time.tscTimestamp)
  const shifted = time.tscShift < 0 ? ticks >> BigInt(-time.tscShift) : ticks << BigInt(time.tscShift)
  return time.systemTime + Number((shifted * BigInt(time.tscToSystemMul)) >> 32n)
}

/** @throws XenError EAGAIN, as for a page that somebody writes without end */
export const readWallClock = (sharedInfo: SharedMemory): WallClock => {
  const copy = fetchVersioned(sharedInfo, WC_WORD, WC_WORDS)
  const word = (field: { readonly word: number }): number => copy[field.word - WC_WORD]! >>> 0
  const { wcSec, wcSecHi, wcNsec } = SharedInfo.at
  return { seconds: word(wcSecHi) * 2 ** 32 + word(wcSec), nanoseconds: word(wcNsec) }
}

/** The hypervisor's half. Not for two writers at a time. */
export const writeWallClock = (sharedInfo: SharedMemory, { seconds, nanoseconds }: WallClock): void => {
  const { wcSec, wcSecHi, wcNsec } = SharedInfo.at
  const page = new Int32Array(PAGE_WORDS)
  wcSec.set(page, 0, seconds % 2 ** 32)
  wcNsec.set(page, 0, nanoseconds)
  wcSecHi.set(page, 0, Math.floor(seconds / 2 ** 32))
  storeVersioned(sharedInfo, WC_WORD, page.subarray(WC_WORD, WC_WORD + WC_WORDS))
}
