import assert from 'node:assert/strict'
import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { command } from '../src/dom0/command.js'
import { STORE_SOCKET, startOwnStore, startOxenstored, stopBootedStore } from '../src/dom0/store-daemons.js'
import type { Lab, Scenario } from '../src/scenario.js'

const TOOL_ROUNDS = 10
const REQUESTS = 300
const DEPTHS = [1, 16]
const SECONDS = 120

/** Operations per second, by what is done. */
type Rates = ReadonlyMap<string, number>

export const scenario: Scenario = {
  name: 'xenstore-peers',
  summary: 'C xenstored, oxenstored and ours, each as the XenStore of the same dom0: operations per second',
  limitSeconds: 420,
  // Dom0's kernel and consoles do not find again in one daemon what they had told another.
  ruinsDom0: true,
  async run(lab) {
    const original = await lab.check('C xenstored is measured as dom0 booted with it', measure)
    await lab.check('it ends, and with it xenconsoled', stopBootedStore)
    const oxenstored = await lab.check('oxenstored takes its place, and is measured', async () => {
      const daemon = await startOxenstored()
      const rates = await measure()
      await daemon.stop()
      return rates
    })
    const ours = await lab.check('ours takes its place, and is measured', async () => {
      const daemon = await startOwnStore(`${lab.folder}/xenstored.log`)
      const rates = await measure()
      await daemon.stop()
      return rates
    })
    report(lab, { original, oxenstored, ours })
  },
}

const measure = async (): Promise<Rates> => new Map([...(await byTestXenstore()), ...(await byOwnClient())])

/** Xen's own client, one request after the other: a line for each kind, such as `read 1    : avg: 22500 ns (…)`. */
const byTestXenstore = async (): Promise<[string, number][]> => {
  const args = ['-i', String(TOOL_ROUNDS)]
  const { output } = await command('/usr/lib/xen/bin/test-xenstore', args, { seconds: SECONDS })
  const lines = [...output.matchAll(/^(\S.*?)\s*: avg: (\d+) ns/gm)]
  assert.ok(lines.length >= 12, output)
  return lines.map(([, name, nanoseconds]) => [`test-xenstore: ${name}`, 1e9 / Number(nanoseconds)])
}

/** Ours, with as many requests under way at a time as `DEPTHS` says. */
const byOwnClient = async (): Promise<[string, number][]> => {
  const client = new XenStoreClient(await SocketChannel.connect(STORE_SOCKET))
  const rates: [string, number][] = []
  await client.write('/tool/lab/peers', 'x')
  for (const depth of DEPTHS) {
    rates.push([`reads, ${depth} at a time`, await rateOf(depth, () => client.read('/tool/lab/peers'))])
    rates.push([`writes, ${depth} at a time`, await rateOf(depth, (i) => client.write('/tool/lab/peers', `${i}`))])
  }
  await client.rm('/tool/lab')
  client.close()
  return rates
}

const rateOf = async (depth: number, request: (i: number) => Promise<unknown>): Promise<number> => {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < REQUESTS) await request(next++)
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: depth }, lane))
  return (REQUESTS * 1000) / (performance.now() - start)
}

interface Measured {
  readonly original: Rates
  readonly oxenstored: Rates
  readonly ours: Rates
}

/** One table for whoever looks on; the ratios are the figures, for only they mean anything beyond this boot. */
const report = (lab: Lab, { original, oxenstored, ours }: Measured): void => {
  const row = (...cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(28) : cell.padStart(12))).join('')
  lab.say(row('operations/s', 'C xenstored', 'oxenstored', 'ours'))
  for (const [name, own] of ours) {
    const peers = [original, oxenstored].map((rates) => rates.get(name) ?? Number.NaN)
    lab.say(row(name, ...[...peers, own].map((rate) => rate.toFixed(0))))
  }
  for (const [name, own] of ours) {
    lab.figure(`${name}, ours / C xenstored`, rounded(own / original.get(name)!), '×')
    lab.figure(`${name}, ours / oxenstored`, rounded(own / oxenstored.get(name)!), '×')
  }
}

const rounded = (ratio: number): number => Number(ratio.toFixed(2))
