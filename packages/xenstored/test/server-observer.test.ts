import { shownReply } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { expect, test } from 'vitest'
import { Observers, type ServerObserver } from '../src/server-observer.js'
import { DOM, StoreWorld } from './support/store-world.js'

/** Writes down what it is told. */
const recorder = () => {
  const told: string[] = []
  const observer: ServerObserver = {
    received: ({ id, domid }, { type }) => told.push(`${id} (d${domid}) asks ${type}`),
    sent: ({ id }, message) => told.push(`${id} is sent ${message.type} ${shownReply(message)}`),
    created: (kind, { id }) => told.push(`${id} has a ${kind}`),
    destroyed: (kind, { id }) => told.push(`${id} has no ${kind}`),
    held: (domid, milliseconds) => told.push(`d${domid} is held ${milliseconds}`),
    stored: (path, bytes) => told.push(`${path} has ${bytes}`),
    removed: (path) => told.push(`${path} is gone`),
  }
  return { told, observer }
}

test('an observer is told of requests, replies, events and of what comes and goes, in order', async () => {
  const { told, observer } = recorder()
  using store = new StoreWorld({ observer })
  const guest = store.connect(5)
  await guest.watch('@releaseDomain', 't')
  await guest.end(await guest.start())
  await guest.ask(99, packStrings('x'))
  store.connect(0).channel.close()
  guest.channel.close()
  await guest.events()
  expect(told).toEqual([
    '1 has a connection',
    `1 (d5) asks ${XenStoreOp.Watch}`,
    '1 has a watch',
    '1 is sent 4 OK',
    '1 is sent 15 @releaseDomain|t',
    `1 (d5) asks ${XenStoreOp.TransactionStart}`,
    '1 has a transaction',
    '1 is sent 6 1',
    `1 (d5) asks ${XenStoreOp.TransactionEnd}`,
    '1 has no transaction',
    '1 is sent 7 OK',
    '1 (d5) asks 99',
    '1 is sent 16 !ENOSYS',
    '2 has a connection',
    '2 has no connection',
    '1 has no watch',
    '1 has no connection',
  ])
})

test('several observers are told the same, and none once it is gone', () => {
  const observers = new Observers()
  expect(observers.current).toBeUndefined()
  const [first, second] = [recorder(), recorder()]
  observers.add(first.observer)
  expect(observers.current).toBe(first.observer)
  observers.add(second.observer)
  const { current } = observers
  current?.created?.('watch', { id: 1, domid: DOM(5) })
  current?.held?.(DOM(5), 3)
  current?.stored?.('/a', 34)
  current?.removed?.('/a')
  observers.delete(first.observer)
  observers.current?.created?.('watch', { id: 2, domid: DOM(5) })
  observers.delete(second.observer)
  expect(observers.current).toBeUndefined()
  const both = ['1 has a watch', 'd5 is held 3', '/a has 34', '/a is gone']
  expect(first.told).toEqual(both)
  expect(second.told).toEqual([...both, '2 has a watch'])
})
