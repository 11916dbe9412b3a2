import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { XenError } from '@split-driver/abi'
import { LinuxSystemCalls, SystemCallError } from '@split-driver/privcmd'
import koffi from 'koffi'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Fifo } from './support/fifo.js'

const calls = await LinuxSystemCalls.load()
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'split-driver-calls-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const pagesOf = (bytes: number): { readonly path: string; readonly fd: number } => {
  const path = join(folder, `pages-${bytes}`)
  writeFileSync(path, new Uint8Array(bytes))
  const fd = calls.open(path, 'read-write')
  onTestFinished(() => calls.close(fd))
  return { path, fd }
}

const openFifo = (): { readonly fifo: Fifo; readonly fd: number } => {
  const fifo = new Fifo()
  const fd = calls.open(fifo.path, 'read-write')
  onTestFinished(() => {
    calls.close(fd)
    fifo[Symbol.dispose]()
  })
  return { fifo, fd }
}

const thrownBy = (body: () => unknown): unknown => {
  try {
    body()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const codeOf = (body: () => unknown): string => (thrownBy(body) as XenError).code

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Of open(2), close-on-exec among them. */
const flagsOf = (fd: number): number =>
  Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!, 8)

const O_CLOEXEC = 0o2000000

describe('open, adopt, read, write, ioctl', () => {
  it('a descriptor is closed on exec and does not block', () => {
    const { fd } = openFifo()
    expect(flagsOf(fd) & O_CLOEXEC).not.toBe(0)
    expect(flagsOf(fd) & constants.O_NONBLOCK).not.toBe(0)
  })

  it('one that was found open becomes so, and stays what else it is', () => {
    const { path } = pagesOf(4096)
    const fd = openSync(path, constants.O_RDWR | constants.O_APPEND)
    onTestFinished(() => closeSync(fd))
    // Node opens nothing that is kept on exec.
    koffi.load(null).func('int fcntl(int fd, int command, int argument)')(fd, 2, 0)
    const found = flagsOf(fd)
    expect(found & (O_CLOEXEC | constants.O_NONBLOCK)).toBe(0)
    calls.adopt(fd, path)
    expect(flagsOf(fd)).toBe(found | O_CLOEXEC | constants.O_NONBLOCK)
    expect(thrownBy(() => calls.adopt(12_345, path))).toMatchObject({ call: 'fstat', errno: 'EBADF' })
  })

  it('one that is something else than was said is left as it was found', () => {
    const { fd } = openFifo()
    const found = flagsOf(fd)
    expect(thrownBy(() => calls.adopt(fd, pagesOf(4096).path))).toMatchObject({ call: 'fstat', errno: 'ENODEV' })
    expect(thrownBy(() => calls.adopt(fd, '/dev/null'))).toMatchObject({ errno: 'ENODEV' })
    const zero = openSync('/dev/zero', 'r')
    onTestFinished(() => closeSync(zero))
    expect(thrownBy(() => calls.adopt(zero, '/dev/null'))).toMatchObject({ errno: 'ENODEV' })
    calls.adopt(zero, '/dev/zero')
    expect(flagsOf(fd)).toBe(found)
  })

  it('the kernel’s refusal carries its own name', () => {
    expect(thrownBy(() => calls.open(join(folder, 'none'), 'read-write'))).toMatchObject({
      call: 'open',
      errno: 'ENOENT',
    })
    const { fd } = openFifo()
    const error = thrownBy(() => calls.ioctl(fd, 0x184700, new Uint8Array(24)))
    expect(SystemCallError.is(error, 'ENOTTY')).toBe(true)
    expect(String(error)).toContain('0x184700')
  })

  it('bytes go in and come out; nothing to read, and no room to write, are 0', () => {
    const { fd } = openFifo()
    const target = new Uint8Array(8)
    expect(calls.read(fd, target)).toBe(0)
    expect(calls.write(fd, Uint8Array.of(1, 2, 3))).toBe(3)
    expect(calls.read(fd, target)).toBe(3)
    expect([...target.subarray(0, 3)]).toEqual([1, 2, 3])
    while (calls.write(fd, new Uint8Array(4096)) > 0) {}
    expect(calls.write(fd, new Uint8Array(4096))).toBe(0)
  })

  it('the address of bytes is where the kernel finds them, also inside of a mapping', () => {
    const { fd } = pagesOf(8192)
    const range = calls.map(fd, 0, 8192, 'writable')
    const page = (at: number) => calls.addressOf(range.memory.mutableBytes(at, 16))
    expect(page(4100) - page(0)).toBe(4100n)
    calls.unmap(range)
  })
})

describe('mapped memory', () => {
  it('what is stored is in the file, and what is in the file is loaded', () => {
    const { path, fd } = pagesOf(8192)
    const range = calls.map(fd, 4096, 4096, 'writable')
    range.memory.storeOrdered(3, 0x0403_0201)
    expect([...readFileSync(path).subarray(4096 + 12, 4096 + 16)]).toEqual([1, 2, 3, 4])
    calls.write(fd, Uint8Array.of(9))
    const whole = calls.map(fd, 0, 8192, 'read-only')
    expect([whole.memory.load8(0), whole.memory.load(1024 + 3)]).toEqual([9, 0x0403_0201])
    calls.unmap(whole)
    calls.unmap(range)
  })

  it('D1: memory that was unmapped is out of reach by every way that led there', () => {
    const { fd } = pagesOf(4096)
    const range = calls.map(fd, 0, 4096, 'writable')
    const { memory } = range
    const bytes = memory.mutableBytes(16, 32)
    const words = new Int32Array(bytes.buffer, 0, 4)
    calls.unmap(range)
    expect([bytes.length, words.length, bytes.buffer.byteLength]).toEqual([0, 0, 0])
    expect(words[0]).toBeUndefined()
    words[0] = 1
    expect(() => Atomics.load(words, 0)).toThrow(TypeError)
    expect(codeOf(() => memory.load(0))).toBe('USE_AFTER_UNMAP')
    expect(codeOf(() => memory.bytes(0, 1))).toBe('USE_AFTER_UNMAP')
    expect(codeOf(() => calls.unmap(range))).toBe('USE_AFTER_UNMAP')
  })

  it('addresses that come again do not bring dead memory back', () => {
    const { fd } = pagesOf(4096)
    const stale = calls.map(fd, 0, 4096, 'writable')
    const view = stale.memory.mutableBytes(0, 4096)
    calls.unmap(stale)
    for (let i = 0; i < 1000; i++) {
      const range = calls.map(fd, 0, 4096, 'writable')
      range.memory.store(0, i)
      expect(view.length).toBe(0)
      expect(codeOf(() => stale.memory.load(0))).toBe('USE_AFTER_UNMAP')
      calls.unmap(range)
    }
  })

  it('a range that the file does not have is refused', () => {
    const { fd } = openFifo()
    expect(thrownBy(() => calls.map(fd, 0, 4096, 'writable'))).toMatchObject({ call: 'mmap', errno: 'ENODEV' })
  })
})

describe('whenReadable', () => {
  it('tells in a turn of its own, again until all is read, and no more after that', async () => {
    const { fd } = openFifo()
    let told = 0
    let read = 0
    const target = new Uint8Array(1)
    const watching = calls.whenReadable(fd, () => {
      told++
      if (told >= 3) read += calls.read(fd, target)
    })
    calls.write(fd, Uint8Array.of(1, 2))
    expect(told).toBe(0)
    while (read < 2) await nextTurn()
    const toldUntilEmpty = told
    expect(toldUntilEmpty).toBe(4)
    for (let turns = 0; turns < 20; turns++) await nextTurn()
    expect(told).toBe(toldUntilEmpty)
    calls.write(fd, Uint8Array.of(3))
    while (read < 3) await nextTurn()
    watching[Symbol.dispose]()
  })

  it('nobody is told once it is disposed of, also inside of the turn in which it was due', async () => {
    const [first, second] = [openFifo(), openFifo()]
    const told: string[] = []
    const watchings = [first, second].map(({ fd }, i) =>
      calls.whenReadable(fd, () => {
        told.push(String(i))
        for (const watching of watchings) watching[Symbol.dispose]()
      }),
    )
    calls.write(first.fd, Uint8Array.of(1))
    calls.write(second.fd, Uint8Array.of(1))
    while (told.length === 0) await nextTurn()
    for (let turns = 0; turns < 20; turns++) await nextTurn()
    expect(told).toHaveLength(1)
  })

  it('timers have their turn beside a descriptor that is always readable', async () => {
    const { fd } = openFifo()
    calls.write(fd, Uint8Array.of(1))
    let told = 0
    const watching = calls.whenReadable(fd, () => told++)
    await new Promise((resolve) => setTimeout(resolve, 20))
    watching[Symbol.dispose]()
    expect(told).toBeGreaterThan(1)
  })

  it('an error that a descriptor has to tell is told, as often as it is there', async () => {
    const fifo = new Fifo()
    onTestFinished(() => fifo[Symbol.dispose]())
    const reader = openSync(fifo.path, constants.O_RDONLY | constants.O_NONBLOCK)
    const writer = openSync(fifo.path, constants.O_WRONLY | constants.O_NONBLOCK)
    let told = 0
    const watching = calls.whenReadable(writer, () => told++)
    for (let turns = 0; turns < 20; turns++) await nextTurn()
    expect(told).toBe(0)
    closeSync(reader)
    while (told < 3) await nextTurn()
    watching[Symbol.dispose]()
    closeSync(writer)
  })

  it('goes on although nobody keeps hold of it', async () => {
    const { fd } = openFifo()
    const target = new Uint8Array(1)
    let read = 0
    const watch = () =>
      new WeakRef(
        calls.whenReadable(fd, () => {
          read += calls.read(fd, target)
        }),
      )
    const watching = watch()
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    for (let turns = 0; turns < 10; turns++) {
      await nextTurn()
      collect()
    }
    calls.write(fd, Uint8Array.of(1))
    while (read < 1) await nextTurn()
    watching.deref()![Symbol.dispose]()
  })

  it('promises that the callback settles are followed in the same turn', async () => {
    const { fd } = openFifo()
    const order: string[] = []
    const watching = calls.whenReadable(fd, () => {
      calls.read(fd, new Uint8Array(8))
      Promise.resolve().then(() => order.push('promise'))
      process.nextTick(() => order.push('tick'))
      setImmediate(() => order.push('next turn'))
    })
    calls.write(fd, Uint8Array.of(1))
    while (order.length < 3) await nextTurn()
    expect(order).toEqual(['tick', 'promise', 'next turn'])
    watching[Symbol.dispose]()
  })
})

describe('waitReadable', () => {
  it('waits for the time that it is given, and no longer for what is there', () => {
    const { fd } = openFifo()
    const began = performance.now()
    expect(calls.waitReadable(fd, 30)).toBe(false)
    expect(performance.now() - began).toBeGreaterThanOrEqual(29)
    calls.write(fd, Uint8Array.of(1))
    expect(calls.waitReadable(fd, 60_000)).toBe(true)
  })
})

it('a range that other system calls mapped is the caller’s mistake', () => {
  const foreign = { byteLength: 0, memory: undefined } as never
  expect(thrownBy(() => calls.unmap(foreign))).toBeInstanceOf(TypeError)
})
