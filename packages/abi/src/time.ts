import { SharedInfo, VcpuInfo, VcpuTimeInfo } from './shared-info.js'
import { ArchSharedInfo32, SharedInfo32 } from './shared-info-32.js'
import type { SharedMemory } from './shared-memory.js'
import { XenError } from './xen-error.js'

/**
 * How often a reader begins again before it gives up. A writer changes some words only, so more than one repetition is rare;
 * one that never lets a reader through is hostile or dead.
 */
const TRIES = 1000

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

/** The page as a guest of 64 or of 32 bits finds it. */
export type SharedInfoLayout = typeof SharedInfo | typeof SharedInfo32

/** Words of the wall clock. Beside those of a 32-bit guest's lie others that are the guest's own to write. */
interface WallClockWords {
  readonly version: number
  readonly sec: number
  readonly nsec: number
  readonly secHi: number
}

const wallClockWords = (layout: SharedInfoLayout, secHi: number): WallClockWords => ({
  version: layout.at.wcVersion.word,
  sec: layout.at.wcSec.word,
  nsec: layout.at.wcNsec.word,
  secHi,
})

const WALL_CLOCK_64 = wallClockWords(SharedInfo, SharedInfo.at.wcSecHi.word)
const WALL_CLOCK_32 = wallClockWords(SharedInfo32, SharedInfo32.at.arch.word + ArchSharedInfo32.at.wcSecHi.word)

const wallClockOf = (layout: SharedInfoLayout): WallClockWords =>
  layout === SharedInfo32 ? WALL_CLOCK_32 : WALL_CLOCK_64

/**
 * Fetches what a writer guards by a version, odd while it writes.
 * @see xen/include/public/xen.h vcpu_time_info
 * @throws XenError EAGAIN if no quiet moment was met
 */
const fetchVersioned = (memory: SharedMemory, word: number, fetch: () => void): void => {
  for (let i = 0; i < TRIES; i++) {
    const version = memory.loadOrdered(word)
    if ((version & 1) !== 0) continue
    fetch()
    if (memory.loadOrdered(word) === version) return
  }
  throw new XenError('EAGAIN', `what word ${word} guards was being written each of ${TRIES} times`)
}

/** Stores what a version guards, between two steps of it. There is one writer only. */
const storeVersioned = (memory: SharedMemory, word: number, store: () => void): void => {
  const version = memory.load(word) | 1
  memory.storeOrdered(word, version)
  store()
  memory.storeOrdered(word, version + 1)
}

/** The same for guests of either width. */
const vcpuTimeWord = (vcpu: number): number => {
  if (Number.isInteger(vcpu) && vcpu >= 0 && vcpu < SharedInfo.at.vcpuInfo.count)
    return SharedInfo.at.vcpuInfo.wordOf(vcpu) + VcpuInfo.at.time.word
  throw new RangeError(`the shared-info page holds no vcpu ${vcpu}`)
}

/** @throws XenError EAGAIN, as for a page that somebody writes without end; RangeError for a vcpu beyond the page's 32 */
export const readVcpuTime = (sharedInfo: SharedMemory, vcpu: number): VcpuTime => {
  const { at, words } = VcpuTimeInfo
  const copy = new Int32Array(words)
  const word = vcpuTimeWord(vcpu)
  fetchVersioned(sharedInfo, word, () => sharedInfo.copyOut(word, words, copy, 0))
  return {
    systemTime: at.systemTime.getNumber(copy, 0),
    tscTimestamp: at.tscTimestamp.getNumber(copy, 0),
    tscToSystemMul: at.tscToSystemMul.get(copy, 0),
    tscShift: at.tscShift.get(copy, 0),
  }
}

/** The hypervisor's half. Not for two writers at a time. */
export const writeVcpuTime = (sharedInfo: SharedMemory, vcpu: number, time: VcpuTime): void => {
  const word = vcpuTimeWord(vcpu)
  const values = VcpuTimeInfo.create({
    systemTime: BigInt(time.systemTime),
    tscTimestamp: BigInt(time.tscTimestamp),
    tscToSystemMul: time.tscToSystemMul,
    tscShift: time.tscShift,
  })
  storeVersioned(sharedInfo, word, () => sharedInfo.copyIn(word + 1, values, 1, values.length - 1))
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
export const readWallClock = (sharedInfo: SharedMemory, layout: SharedInfoLayout = SharedInfo): WallClock => {
  const { version, sec, nsec, secHi } = wallClockOf(layout)
  let [low, high, nanoseconds] = [0, 0, 0]
  fetchVersioned(sharedInfo, version, () => {
    low = sharedInfo.load(sec) >>> 0
    nanoseconds = sharedInfo.load(nsec) >>> 0
    high = sharedInfo.load(secHi) >>> 0
  })
  return { seconds: high * 2 ** 32 + low, nanoseconds }
}

/** The hypervisor's half. Not for two writers at a time. */
export const writeWallClock = (
  sharedInfo: SharedMemory,
  { seconds, nanoseconds }: WallClock,
  layout: SharedInfoLayout = SharedInfo,
): void => {
  const { version, sec, nsec, secHi } = wallClockOf(layout)
  storeVersioned(sharedInfo, version, () => {
    sharedInfo.store(sec, seconds % 2 ** 32)
    sharedInfo.store(nsec, nanoseconds)
    sharedInfo.store(secHi, Math.floor(seconds / 2 ** 32))
  })
}
