import { SeededRandom } from '@split-driver/conformance'
import { describe, expect, it } from 'vitest'
import { differences, notAsked } from '../../src/xenstore-peers/differences.js'
import { differencesPage } from '../../src/xenstore-peers/differences-page.js'
import { runEpisode, Tally } from '../../src/xenstore-peers/differential/episode.js'
import { startOwn, startPeer } from '../../src/xenstore-peers/index.js'
import { NODES_OF_A_GUEST } from '../../src/xenstore-peers/quotas.js'
import { describeWithPeers } from './peers-here.js'

const quotas = { nodes: NODES_OF_A_GUEST }

const entries = [...differences, ...notAsked]

describe('the table of differences', () => {
  it('names each once, in kebab-case', () => {
    const ids = entries.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))).toEqual([])
  })

  it('is what the document says; `npm test -- bench/test/xenstore-peers/differences -u` writes it anew', async () => {
    await expect(differencesPage()).toMatchFileSnapshot('../../../packages/xenstored/DIFFERENCES.md')
  })

  it('has no entry that would be an agreement', () => {
    const agreements = entries.filter(({ answers }) => new Set(Object.values(answers)).size === 1)
    expect(agreements.map(({ id }) => id)).toEqual([])
  })
})

describeWithPeers('ours and the two originals', () => {
  it('take 1,000 random requests alike, but for the known differences', async () => {
    await using ours = await startOwn(quotas)
    await using c = await startPeer('C xenstored', quotas)
    await using ocaml = await startPeer('oxenstored', quotas)
    const tally = new Tally()
    for (let seed = 1; seed <= 10; seed++) {
      const { violations } = await runEpisode(ours, [c, ocaml], new SeededRandom(seed), 100, tally)
      expect(violations).toEqual([])
    }
    for (const name of ['C xenstored', 'oxenstored']) expect(tally.compared.get(name)).toBeGreaterThan(100)
  }, 60_000)
})
