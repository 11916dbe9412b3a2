import type { Port } from '@split-driver/abi'
import { startWorkerThread } from '@split-driver/emulator/node'
import { expect, test } from 'vitest'
import { boot } from '../boot.js'

const programNamed = (name: string) => ({ href: new URL(`../programs/${name}.mjs`, import.meta.url).href })

/** Fulfilled when the word is no longer `before`. */
const changed = async (words: Int32Array, word: number, before: number): Promise<number> => {
  while (Atomics.load(words, word) === before) await Atomics.waitAsync(words, word, before, 100).value
  return Atomics.load(words, word)
}

test('block and poll stop a domain’s own thread, and wake it in time: by event, by deadline, by timer', async () => {
  await using host = await boot('threads')
  const guest = await host.toolstack.create({ name: 'guest', onPoweroff: 'preserve' })
  const told = new Int32Array(new SharedArrayBuffer(64))
  host.toolstack.start(guest, programNamed('blocking'), {
    startVcpu: startWorkerThread,
    argument: { told, peer: host.dom0.domid },
  })
  const port = (await changed(told, 1, 0)) as Port
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(Atomics.load(told, 0)).toBe(0)
  // A paused domain goes on sleeping, whatever is raised.
  host.toolstack.pause(guest.domid)
  const remote = host.dom0.events.bindInterdomain(guest.domid, port)
  host.dom0.events.notify(remote)
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(Atomics.load(told, 0)).toBe(0)
  host.toolstack.unpause(guest.domid)
  await changed(told, 0, 0)
  expect(Atomics.load(told, 2)).toBe(1)
  expect(await host.toolstack.ended(guest.domid)).toMatchObject({ reason: 'poweroff' })
  expect([...told.subarray(0, 6)]).toEqual([4, port, 1, 0, 0, 0])
  host.dom0.events.unbind(remote)
})

test('the timer comes to a thread that takes its events in waitForEvents alone', async () => {
  await using host = await boot('threads')
  const guest = await host.toolstack.create({ name: 'guest', onPoweroff: 'preserve', onCrash: 'preserve' })
  const told = new Int32Array(new SharedArrayBuffer(4))
  host.toolstack.start(guest, programNamed('blocking-timer'), {
    startVcpu: startWorkerThread,
    attaching: { delivery: 'blocking' },
    argument: { told },
  })
  expect(await host.toolstack.ended(guest.domid)).toMatchObject({ reason: 'poweroff' })
  expect(told[0]).toBe(1)
})
