import {
  channelPair,
  TRANSACTION_BACK_OFF,
  XenStoreClient,
  type XenStoreClientOptions,
  XenStoreOp,
} from '@split-driver/xenbus'
import { expect, it } from 'vitest'
import { settle } from '../settle.js'
import { ManualClock } from './manual-clock.js'
import { ScriptedServer } from './scripted-server.js'

/** A server at which so many commits meet a conflict. */
const connect = (conflicts: number, options: XenStoreClientOptions) => {
  const [near, far] = channelPair()
  const server = new ScriptedServer(far)
  let left = conflicts
  server.answer = (request) => {
    if (request.type === XenStoreOp.TransactionStart) server.reply(request, '5\0')
    else if (request.type === XenStoreOp.TransactionEnd && left-- > 0) server.refuse(request, 'EAGAIN')
    else server.reply(request)
  }
  return new XenStoreClient(near, options)
}

const pass = async (clock: ManualClock, rounds: number): Promise<void> => {
  for (let i = 0; i < rounds; i++) {
    await settle()
    clock.pass(1000)
  }
  await settle()
}

it('rule 48: after each conflict it waits, twice as long as before, but no longer than 64 ms', async () => {
  const clock = new ManualClock()
  const done = connect(9, { clock }).transaction(async () => 'done')
  await pass(clock, 10)
  expect(await done).toBe('done')
  const { firstMs, mostMs } = TRANSACTION_BACK_OFF
  expect(clock.waits).toEqual(Array.from({ length: 9 }, (_, i) => Math.min(firstMs * 2 ** i, mostMs)))
})

it('chance shortens each wait: clients that met once do not meet again', async () => {
  const clock = new ManualClock()
  const chances = [0.5, 0, 0.999, 0.25]
  const done = connect(4, { clock, random: () => chances.shift()! }).transaction(async () => 'done')
  await pass(clock, 5)
  await done
  expect(clock.waits).toEqual([0.5, 0, 3.996, 2])
})

it('a signal ends the wait, and its timer', async () => {
  const clock = new ManualClock()
  const control = new AbortController()
  const mine = new Error('mine')
  const transaction = connect(1, { clock }).transaction(async () => 1, control)
  await settle()
  expect(clock.timers).toBe(1)
  control.abort(mine)
  await expect(transaction).rejects.toBe(mine)
  expect(clock.timers).toBe(0)
})

it('it is tried as often as its caller says, and waits for nothing after the last', async () => {
  const clock = new ManualClock()
  let runs = 0
  const transaction = connect(99, { clock }).transaction(async () => void runs++, { tries: 3 })
  await Promise.all([
    expect(transaction).rejects.toMatchObject({ code: 'EAGAIN', detail: { tries: 3 } }),
    pass(clock, 4),
  ])
  expect([runs, clock.waits.length]).toEqual([3, 2])
  const never = connect(0, {}).transaction(async () => 1, { tries: 0 })
  await expect(never).rejects.toThrow(RangeError)
})

it('without a clock it is tried again at once', async () => {
  expect(await connect(9, {}).transaction(async () => 'done')).toBe('done')
})
