import {
  observeOtherendState,
  observePaths,
  observeState,
  observeValue,
  type Watch,
  type WatchOptions,
} from '@split-driver/xenbus'
import { expect, it } from 'vitest'
import { DeviceWorld, ProbeBackend, ProbeFrontend } from './device/world.js'
import { MemoryXenStore } from './memory-xenstore.js'
import { settle } from './settle.js'

it('each subscription is a watch of its own, which ends with it', async () => {
  const store = new MemoryXenStore()
  const view = store.view(0)
  const seen: string[] = []
  const subscription = observePaths(view, '/a').subscribe((path) => seen.push(path))
  await settle()
  await view.write('/a/b', '1')
  await settle()
  expect(seen).toEqual(['/a', '/a/b'])
  expect(store.watches.size).toBe(1)
  subscription.unsubscribe()
  await settle()
  expect(store.watches.size).toBe(0)
  await view.write('/a/c', '1')
  await settle()
  expect(seen.length).toBe(2)
})

it('unsubscribing while the watch is being opened leaves none behind', async () => {
  const store = new MemoryXenStore()
  observePaths(store.view(0), '/a').subscribe().unsubscribe()
  await settle()
  expect(store.watches.size).toBe(0)
})

it('completes when the connection ends, and passes on a watch that was refused', async () => {
  const store = new MemoryXenStore()
  const view = store.view(0)
  const outcomes: string[] = []
  observePaths(view, '/a').subscribe({ complete: () => outcomes.push('complete') })
  await settle()
  view.disconnect()
  await settle()
  const refusing = { watch: () => Promise.reject(new Error('EACCES')) }
  observePaths(refusing, '/a').subscribe({ error: (error: Error) => outcomes.push(error.message) })
  await settle()
  expect(outcomes).toEqual(['complete', 'EACCES'])
})

it('rule 36: a value is read again at each event, and told when it differs', async () => {
  const store = new MemoryXenStore()
  const view = store.view(0)
  const seen: (string | undefined)[] = []
  const subscription = observeValue(view, '/a').subscribe((value) => seen.push(value))
  for (const value of ['1', '1', '2']) {
    await settle()
    await view.write('/a', value)
  }
  await settle()
  await view.rm('/a')
  await settle()
  expect(seen).toEqual([undefined, '1', '2', undefined])
  subscription.unsubscribe()
})

it('a device tells both states from where they are, and completes when it is closed', async () => {
  const world = new DeviceWorld()
  const backend = new ProbeBackend(world.dom0, world.backendPath)
  const frontend = new ProbeFrontend(world.guest, world.frontendPath)
  const own: unknown[] = []
  const other: unknown[] = []
  observeState(frontend).subscribe({ next: (state) => own.push(state), complete: () => own.push('closed') })
  observeOtherendState(frontend).subscribe({ next: (state) => other.push(state), complete: () => other.push('closed') })
  void backend.open()
  await frontend.open()
  await frontend.close()
  expect(own).toEqual([0, 1, 3, 4, 5, 6, 'closed'])
  expect(other[0]).toBeUndefined()
  expect(other.slice(-3)).toEqual([5, 6, 'closed'])
  expect(frontend.listenerCount('state') + frontend.listenerCount('closed')).toBe(0)
  await backend.close()
})

it('S8: while a value is read, what changes is looked at once more, however often it did', async () => {
  const store = new MemoryXenStore()
  const view = store.view(0)
  let reads = 0
  let answer = (): void => undefined
  const slow = {
    watch: (path: string) => view.watch(path),
    tryRead: async (path: string) => {
      reads++
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return view.tryRead(path)
    },
  }
  const seen: unknown[] = []
  const subscription = observeValue(slow, '/a').subscribe((value) => seen.push(value))
  await settle()
  for (let i = 0; i < 1000; i++) await view.write('/a', String(i))
  for (let i = 0; i < 3; i++) {
    answer()
    await settle()
  }
  expect([reads, seen]).toEqual([2, ['999']])
  subscription.unsubscribe()
})

it('its end gives up what is being asked', async () => {
  const signals: (AbortSignal | undefined)[] = []
  const never = {
    watch: (_: string, options?: WatchOptions): Promise<Watch> => {
      signals.push(options?.signal)
      return new Promise(() => undefined)
    },
  }
  observePaths(never, '/a').subscribe().unsubscribe()
  expect(signals.map((signal) => signal?.aborted)).toEqual([true])
})
