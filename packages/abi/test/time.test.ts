import {
  ArchSharedInfo32,
  FlatMemory,
  PAGE_BYTES,
  readVcpuTime,
  readWallClock,
  SharedInfo,
  SharedInfo32,
  type SharedInfoLayout,
  type SharedMemory,
  systemTimeAt,
  VcpuInfo,
  VcpuInfo32,
  writeVcpuTime,
  writeWallClock,
} from '@split-driver/abi'
import { describe, expect, test } from 'vitest'

const time = { systemTime: 5_000_000_123, tscTimestamp: 9_007_199_254, tscToSystemMul: 0x8000_0000, tscShift: 1 }

const versionWord = (vcpu: number): number => SharedInfo.at.vcpuInfo.wordOf(vcpu) + VcpuInfo.at.time.word

/** Memory in which somebody writes between any two fetches, for as long as `disturb` says so. */
const disturbed = (memory: FlatMemory, disturb: () => boolean, write: () => void): SharedMemory =>
  new Proxy(memory, {
    get: (target, key) => {
      const value = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result = Reflect.apply(value, target, args)
        if (key === 'copyOut' && disturb()) write()
        return result
      }
    },
  })

describe('vcpu_time_info', () => {
  test('what was written is read, of each vcpu apart; the version ends even and two further on', () => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    writeVcpuTime(memory, 0, time)
    writeVcpuTime(memory, 31, { ...time, tscShift: -3 })
    expect(readVcpuTime(memory, 0)).toEqual(time)
    expect(readVcpuTime(memory, 31).tscShift).toBe(-3)
    expect(readVcpuTime(memory, 1).systemTime).toBe(0)
    expect(memory.load(versionWord(0))).toBe(2)
    writeVcpuTime(memory, 0, time)
    expect(memory.load(versionWord(0))).toBe(4)
    expect(() => readVcpuTime(memory, 32)).toThrow(RangeError)
  })

  test('a write that comes in between is never read half: the reader begins again', () => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    writeVcpuTime(memory, 0, time)
    let left = 3
    const later = { ...time, systemTime: time.systemTime + 1 }
    const view = disturbed(
      memory,
      () => left-- > 0,
      () => writeVcpuTime(memory, 0, left === 0 ? later : time),
    )
    expect(readVcpuTime(view, 0)).toEqual(later)
    expect(left).toBe(-1)
  })

  test('an odd version for ever, or a write in each try, ends in EAGAIN', () => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    memory.store(versionWord(0), 1)
    expect(() => readVcpuTime(memory, 0)).toThrow(/EAGAIN/)
    writeVcpuTime(memory, 0, time)
    expect(readVcpuTime(memory, 0)).toEqual(time)
    const always = disturbed(
      memory,
      () => true,
      () => writeVcpuTime(memory, 0, time),
    )
    expect(() => readVcpuTime(always, 0)).toThrow(/EAGAIN/)
  })

  test('the version wraps at 2³²', () => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    memory.store(versionWord(0), -2)
    writeVcpuTime(memory, 0, time)
    expect(memory.load(versionWord(0))).toBe(0)
    expect(readVcpuTime(memory, 0)).toEqual(time)
  })

  test.each([
    // A TSC of 1 GHz: a tick is a nanosecond.
    [{ tscToSystemMul: 0x8000_0000, tscShift: 1 }, 1_000, 1_000],
    // 2 GHz, and 250 MHz.
    [{ tscToSystemMul: 0x8000_0000, tscShift: 0 }, 1_000, 500],
    [{ tscToSystemMul: 0x8000_0000, tscShift: 3 }, 1_000, 4_000],
    [{ tscToSystemMul: 0xffff_ffff, tscShift: -1 }, 1_000, 499],
  ])("xen.h's formula: %o, %i ticks are %i ns", (scale, ticks, nanoseconds) => {
    const at = { systemTime: 7, tscTimestamp: 100, ...scale }
    expect(systemTimeAt(at, 100 + ticks)).toBe(7 + nanoseconds)
  })
})

test('xen.h has the time of each vcpu at the same place for guests of 32 and of 64 bits', () => {
  const { wordOf, count } = SharedInfo32.at.vcpuInfo
  expect(count).toBe(SharedInfo.at.vcpuInfo.count)
  for (let vcpu = 0; vcpu < count; vcpu++) expect(wordOf(vcpu) + VcpuInfo32.at.time.word).toBe(versionWord(vcpu))
})

/** Words of the wall clock: version, seconds, nanoseconds, high half of the seconds. */
const clocks: [string, SharedInfoLayout, number[]][] = [
  ['64-bit', SharedInfo, [768, 769, 770, 771]],
  ['32-bit', SharedInfo32, [576, 577, 578, SharedInfo32.at.arch.word + ArchSharedInfo32.at.wcSecHi.word]],
]

describe.each(clocks)('the wall clock of a %s guest', (_, layout, words) => {
  test('what was written is read, seconds beyond 32 bits too', () => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    for (const seconds of [0, 1_700_000_000, 2 ** 32 - 1, 2 ** 32 + 5]) {
      writeWallClock(memory, { seconds, nanoseconds: 999_999_999 }, layout)
      expect(readWallClock(memory, layout)).toEqual({ seconds, nanoseconds: 999_999_999 })
    }
    expect(words.map((word) => memory.load(word))).toEqual([8, 5, 999_999_999, 1])
  })

  test('nothing beside it is touched', () => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    for (let word = 0; word < 1024; word++) if (!words.includes(word)) memory.store(word, 77)
    writeWallClock(memory, { seconds: 1, nanoseconds: 2 }, layout)
    for (let word = 0; word < 1024; word++) if (!words.includes(word)) expect(memory.load(word)).toBe(77)
  })

  test('an odd version for ever ends in EAGAIN', () => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    memory.store(words[0]!, 1)
    expect(() => readWallClock(memory, layout)).toThrow(/EAGAIN/)
  })
})
