import { FlatMemory, type SharedMemory } from '@split-driver/abi'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bufferDetacher } from '../src/buffer-detacher.js'
import { MappedMemory } from '../src/mapped-memory.js'
import { PageMemory } from '../src/page-memory.js'

const BYTES = 4096

/** Every way to read, and every way to write, at a place that is counted in bytes. */
const reads: readonly ((memory: SharedMemory, byte: number) => unknown)[] = [
  (memory, byte) => memory.load(byte >> 2),
  (memory, byte) => memory.load16(byte >> 1),
  (memory, byte) => memory.load8(byte),
  (memory, byte) => memory.loadOrdered(byte >> 2),
  (memory, byte) => [...memory.bytes(byte & ~3, 4)],
  (memory, byte) => {
    const target = new Int32Array(3)
    memory.copyOut(byte >> 2, 1, target, 1)
    return [...target]
  },
]
const writes: readonly ((memory: SharedMemory, byte: number, value: number) => unknown)[] = [
  (memory, byte, value) => memory.store(byte >> 2, value),
  (memory, byte, value) => memory.store16(byte >> 1, value),
  (memory, byte, value) => memory.store8(byte, value),
  (memory, byte, value) => memory.storeOrdered(byte >> 2, value),
  (memory, byte, value) => memory.compareExchange(byte >> 2, memory.load(byte >> 2), value),
  (memory, byte, value) => memory.exchange(byte >> 2, value),
  (memory, byte, value) => memory.or(byte >> 2, value),
  (memory, byte, value) => memory.and(byte >> 2, value),
  (memory, byte, value) => memory.exchange8(byte, value),
  (memory, byte, value) => memory.compareExchange16(byte >> 1, memory.load16(byte >> 1), value & 0xffff),
  (memory, byte, value) => memory.mutableBytes(byte & ~3, 4).fill(value).length,
  (memory, byte, value) => memory.copyIn(byte >> 2, Int32Array.of(0, value), 1, 1),
]

const arbitraryAccess = fc.record({
  way: fc.nat(reads.length + writes.length - 1),
  byte: fc.nat(BYTES - 1),
  value: fc.integer(),
})

const worlds: Readonly<Record<string, () => { memory: SharedMemory; bytes: Uint8Array }>> = {
  'mapped memory': () => {
    const buffer = new ArrayBuffer(BYTES)
    return { memory: new MappedMemory(buffer, 0, BYTES, 'writable'), bytes: new Uint8Array(buffer) }
  },
  'one page of several': () => {
    const buffer = new ArrayBuffer(3 * BYTES)
    const whole = new MappedMemory(buffer, 0, 3 * BYTES, 'writable')
    return { memory: new PageMemory(whole, 1), bytes: new Uint8Array(buffer, BYTES, BYTES) }
  },
}

describe.each(Object.entries(worlds))('%s', (_, create) => {
  it('does what flat memory does', () => {
    fc.assert(
      fc.property(fc.array(arbitraryAccess, { maxLength: 200 }), (accesses) => {
        const { memory, bytes } = create()
        const flat = FlatMemory.allocate(BYTES)
        for (const { way, byte, value } of accesses) {
          const access = [...reads, ...writes][way]!
          expect(access(memory, byte, value)).toEqual(access(flat, byte, value))
        }
        expect(bytes).toEqual(flat.bytes(0, BYTES))
      }),
    )
  })

  it('ends where it ends, in both directions', () => {
    const { memory } = create()
    for (const access of [...reads, ...writes])
      for (const byte of [-4, BYTES, BYTES + 4096]) expect(() => access(memory, byte, 1)).toThrow(RangeError)
  })
})

const outcome = (access: () => unknown): string => {
  try {
    access()
    return 'done'
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name
  }
}

it('a write through a read-only mapping is an error that can be caught, and reads go on', () => {
  const memory = new MappedMemory(new ArrayBuffer(BYTES), 0, BYTES, 'read-only')
  expect(new Set(writes.map((write) => outcome(() => write(memory, 8, 1))))).toEqual(new Set(['READ_ONLY_MAPPING']))
  expect(new Set(reads.map((read) => outcome(() => read(memory, 8))))).toEqual(new Set(['done']))
})

it.each(['writable', 'read-only'] as const)('D1: nothing is left of %s memory whose buffer was detached', (access) => {
  const buffer = new ArrayBuffer(2 * BYTES)
  const memory = new MappedMemory(buffer, 0, 2 * BYTES, access)
  const page = new PageMemory(memory, 1)
  bufferDetacher()(buffer)
  const outcomes = [...reads, ...writes].flatMap((each) => [memory, page].map((of) => outcome(() => each(of, 8, 1))))
  expect(new Set(outcomes)).toEqual(new Set(['USE_AFTER_UNMAP']))
})
