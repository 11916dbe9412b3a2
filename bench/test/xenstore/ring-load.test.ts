import { expect, it } from 'vitest'
import { type MeasuredDaemon, Originals, startOurs } from '../../src/xenstore/daemons.js'
import { introduceGuests, openToGuests, ringOf } from '../../src/xenstore/guests.js'
import { LoadClient } from '../../src/xenstore/load-client.js'
import { fanOuts, loads, TREES } from '../../src/xenstore/work.js'
import { describeWithPeers } from '../xenstore-peers/peers-here.js'

const SECONDS = 0.01
const WATCHERS = 5

const trees = TREES.slice(0, 1)
/** A transaction that a client had left open would be one too many for the next. */
const works = [...loads(trees, SECONDS), ...loads(trees, SECONDS).slice(-1), ...fanOuts(WATCHERS, SECONDS)]

describeWithPeers('what is measured over rings', () => {
  it('each daemon answers guests behind rings, and each client leaves its ring to the next', async () => {
    const client = LoadClient.compile()
    if (!(client instanceof LoadClient)) throw new Error(client.missing)
    await using ours = await startOurs()
    await using originals = await Originals.start()
    const daemons: MeasuredDaemon[] = [ours, ...originals.there.map(([, daemon]) => daemon)]
    const done: string[] = []
    for (const daemon of daemons as Required<MeasuredDaemon>[]) {
      await openToGuests(daemon)
      await client.fill({ path: daemon.socketPath }, trees)
      await introduceGuests(daemon, { first: 1, count: 1 + WATCHERS })
      for (const work of works) {
        const { rate } = await client.measure(ringOf(daemon, 1), work)
        if (rate > 0) done.push(`${daemon.name}: ${work.name}`)
      }
    }
    const names = ['ours', 'C xenstored', 'oxenstored']
    expect(done).toEqual(names.flatMap((name) => works.map((work) => `${name}: ${work.name}`)))
  }, 120_000)
})
