import { DOM0 } from '@split-driver/abi'
import { channelPair, XenStoreClient } from '@split-driver/xenbus'
import { expect, test } from 'vitest'
import { XenstoreServer } from '../src/xenstore-server.js'

test('holdings: watches and transactions are told while they are open, and not after', async () => {
  const nothing = { events: {}, mapper: {} } as ConstructorParameters<typeof XenstoreServer>[0]
  const server = new XenstoreServer(nothing)
  const [theirs, ours] = channelPair()
  server.accept(theirs, { domid: DOM0, privileged: true })
  const client = new XenStoreClient(ours)
  const watch = await client.watch('/tool')
  await client.transaction(async (transaction) => {
    await transaction.read('/tool')
    expect(server.holdings()).toEqual([{ domid: DOM0, watches: 1, transactions: 1 }])
  })
  expect(server.holdings()).toEqual([{ domid: DOM0, watches: 1, transactions: 0 }])
  await watch.close()
  expect(server.holdings()).toEqual([])
})
