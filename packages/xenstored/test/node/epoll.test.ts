import { arch } from 'node:process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Epoll, type Watcher } from '../../src/node/epoll.js'
import { FdChannel } from '../../src/node/fd-channel.js'
import type { OnPoll, SocketLibrary } from '../../src/node/socket-library.js'

const DATA_WORD = arch === 'x64' ? 1 : 2

/** A kernel in which happens what a test wants: whose event is next, and what lies in its sockets. */
class FakeKernel {
  /** Descriptors of which the next `epoll_wait` tells. */
  readonly events: number[] = []
  readonly received: Uint8Array[] = []
  waits = 0
  receives = 0
  /** The other end of the sockets is gone. */
  ended = false
  #onReadable: OnPoll = () => {}

  readonly library: SocketLibrary = {
    epoll_create1: () => 3,
    epoll_ctl: () => 0,
    epoll_wait: (_epoll: number, events: Int32Array) => {
      this.waits += 1
      const told = this.events.splice(0)
      for (const [index, fd] of told.entries()) events[index * (DATA_WORD + 2) + DATA_WORD] = fd
      return told.length
    },
    recv: (_fd: number, target: Uint8Array) => {
      this.receives += 1
      const bytes = this.received.shift()
      if (bytes === undefined) return this.ended ? 0 : -1
      target.set(bytes)
      return bytes.length
    },
    errno: () => 11,
    close: () => 0,
    watch: (_fd: number, onReadable: OnPoll) => {
      this.#onReadable = onReadable
      return { start() {}, close() {} }
    },
  } as Partial<SocketLibrary> as SocketLibrary

  /** The event loop notices that there are events. */
  wake(...events: number[]): void {
    this.events.push(...events)
    this.#onReadable(0)
  }
}

const SOON_MS = 0.01
const LATER_MS = 0.2

let kernel: FakeKernel
let epoll: Epoll

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  kernel = new FakeKernel()
  epoll = new Epoll(kernel.library, 10)
})
afterEach(() => {
  epoll[Symbol.dispose]()
  vi.useRealTimers()
})

/** One pass or a few: each is a microtask, and time stands still meanwhile. */
const pass = async (afterMs: number): Promise<void> => {
  vi.advanceTimersByTime(afterMs)
  await null
}

const watcherThatHas = (something: () => boolean) => ({ onEvent: vi.fn(), probe: vi.fn(something) }) satisfies Watcher

describe('who was told last', () => {
  test('is looked at before all are asked for', async () => {
    const busy = watcherThatHas(() => true)
    epoll.add(5, busy)
    kernel.wake(5)
    await pass(0)
    expect(kernel.waits).toBe(1)
    await pass(SOON_MS)
    expect(busy.probe).toHaveBeenCalled()
    expect(kernel.waits).toBe(1)
  })

  test('does not keep the others waiting', async () => {
    const busy = watcherThatHas(() => true)
    const other = watcherThatHas(() => false)
    epoll.add(5, busy)
    epoll.add(6, other)
    kernel.wake(5)
    await pass(0)
    kernel.events.push(6)
    await pass(LATER_MS)
    expect(other.onEvent).toHaveBeenCalledTimes(1)
  })

  test('has nothing more, and all are asked for at once', async () => {
    const quiet = watcherThatHas(() => false)
    epoll.add(5, quiet)
    kernel.wake(5)
    await pass(0)
    await pass(SOON_MS)
    expect(kernel.waits).toBeGreaterThan(1)
  })

  test('is looked at no more once it is removed', async () => {
    const removed = watcherThatHas(() => false)
    epoll.add(5, removed)
    kernel.wake(5)
    await pass(0)
    epoll.remove(5)
    removed.probe.mockClear()
    await pass(SOON_MS)
    expect(removed.probe).not.toHaveBeenCalled()
  })
})

describe('a socket that is looked at', () => {
  const connect = () => {
    const channel = new FdChannel(kernel.library, epoll, 5, () => {})
    const onReady = vi.fn()
    channel.onReady(onReady)
    return { channel, onReady }
  }

  test('gives what has come, and tells of it', () => {
    const { channel, onReady } = connect()
    const target = new Uint8Array(8)
    expect(channel.receive(target)).toBe(0)
    kernel.received.push(Uint8Array.of(1, 2, 3))
    expect(channel.probe()).toBe(true)
    expect(onReady).toHaveBeenCalled()
    expect(channel.receive(target)).toBe(3)
  })

  test('reads nothing ahead of somebody who reads no more', () => {
    const { channel } = connect()
    expect(channel.receive(new Uint8Array(8))).toBe(0)
    kernel.received.push(Uint8Array.of(1, 2, 3), Uint8Array.of(4))
    channel.probe()
    const { receives } = kernel
    expect(channel.probe()).toBe(false)
    expect(kernel.receives).toBe(receives)
  })

  test('tells that its other end is gone, once', () => {
    const { channel, onReady } = connect()
    channel.receive(new Uint8Array(8))
    kernel.ended = true
    expect(channel.probe()).toBe(true)
    expect(channel.closed).toBe(true)
    expect(onReady).toHaveBeenCalledTimes(1)
    expect(channel.probe()).toBe(false)
  })
})
