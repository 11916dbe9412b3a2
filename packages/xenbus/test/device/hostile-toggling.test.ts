import { XenbusState } from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { DeviceWorld, expectLegal, FRONTEND_DOMID, type HookLog, ProbeBackend, ProbeFrontend } from './world.js'

/** What a bad peer, or a toolstack in bad company, does to the keys. */
const move = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...Object.values(XenbusState)).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('', '9', '-1', 'junk', '4294967296') },
  { weight: 1, arbitrary: fc.constant(undefined) },
)
/** Microtasks between moves: from before the device has looked until after it has reacted. */
const moves = fc.array(fc.tuple(move, fc.nat(40)), { maxLength: 25 })
const hops = fc.array(fc.nat(4), { minLength: 1, maxLength: 7 })

const wait = async (microtasks: number): Promise<void> => {
  for (; microtasks > 0; microtasks--) await undefined
}

/** Each begun connection was torn down exactly once, before the next began; no two hooks ran together. */
const expectPaired = (log: HookLog, begins: string): void => {
  expect(log.overlap).toBe(false)
  let held = 0
  for (const call of log.calls) {
    if (call === begins) held++
    if (call === 'disconnect') held--
    expect(held === 0 || held === 1, log.calls.join(' ')).toBe(true)
  }
  expect(held).toBe(0)
}

const cycle = (values: readonly number[]) => {
  let at = 0
  return () => values[at++ % values.length]!
}

describe('B2: a peer that toggles its state at every await', () => {
  it('a frontend tears down once, idempotently, and says only legal things', async () => {
    await fc.assert(
      fc.asyncProperty(moves, hops, async (peer, order) => {
        const world = new DeviceWorld({ hops: cycle(order) })
        const frontend = new ProbeFrontend(world.guest, world.frontendPath)
        world.backend('size', '512')
        const opening = frontend.open().catch(() => undefined)
        for (const [state, microtasks] of peer) {
          world.setAll({ [`${world.backendDirectory}/state`]: state })
          await wait(microtasks)
        }
        world.remove(world.backendDirectory)
        await settle()
        await frontend.close()
        await opening
        expectPaired(frontend.log, 'publish')
        expect(frontend.log.count('publish')).toBeLessThanOrEqual(1)
        expectLegal(world.statesWritten(world.frontendDirectory, FRONTEND_DOMID))
        expect([world.frontend('state'), world.store.watches.size]).toEqual(['6', 0])
      }),
      { numRuns: 1500 },
    )
  })

  it('a backend tears each connection down once, before the next', async () => {
    await fc.assert(
      fc.asyncProperty(moves, hops, async (peer, order) => {
        const world = new DeviceWorld({ hops: cycle(order) })
        const backend = new ProbeBackend(world.dom0, world.backendPath)
        world.frontend('ring-ref', '8')
        const opening = backend.open().catch(() => undefined)
        for (const [state, microtasks] of peer) {
          world.setAll({ [`${world.frontendDirectory}/state`]: state })
          await wait(microtasks)
        }
        await settle()
        await backend.close()
        await opening
        expectPaired(backend.log, 'connect')
        expect(backend.log.count('connect')).toBeLessThanOrEqual(peer.length + 1)
        expectLegal(world.statesWritten(world.backendDirectory, 0))
        expect([world.backend('state'), world.store.watches.size]).toEqual(['6', 0])
      }),
      { numRuns: 1500 },
    )
  })

  it('and one whose own directory is pulled away at any moment is freed and stays away', async () => {
    await fc.assert(
      fc.asyncProperty(
        moves,
        hops,
        fc.nat(200),
        fc.constantFrom('frontend', 'backend'),
        async (peer, order, when, half) => {
          const world = new DeviceWorld({ hops: cycle(order) })
          world.setAll({ [`${world.frontendDirectory}/ring-ref`]: '8', [`${world.backendDirectory}/size`]: '1' })
          const isFrontend = half === 'frontend'
          const device = isFrontend
            ? new ProbeFrontend(world.guest, world.frontendPath)
            : new ProbeBackend(world.dom0, world.backendPath)
          const [own, other] = isFrontend
            ? [world.frontendDirectory, world.backendDirectory]
            : [world.backendDirectory, world.frontendDirectory]
          const closed = new Promise((resolve) => device.on('closed', resolve))
          device.open().catch(() => undefined)
          const removal = wait(when).then(() => world.remove(own))
          for (const [state, microtasks] of peer) {
            world.setAll({ [`${other}/state`]: state })
            await wait(microtasks)
          }
          await removal
          await closed
          await settle()
          expectPaired(device.log, isFrontend ? 'publish' : 'connect')
          expect([...world.store.nodes.keys()].filter((path) => path.startsWith(own))).toEqual([])
          expect(world.store.watches.size).toBe(0)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('two honest halves meet, whatever order the store answers in', async () => {
    await fc.assert(
      fc.asyncProperty(hops, fc.nat(100), fc.boolean(), async (order, between, frontendFirst) => {
        const world = new DeviceWorld({ hops: cycle(order) })
        const halves = [
          new ProbeFrontend(world.guest, world.frontendPath),
          new ProbeBackend(world.dom0, world.backendPath),
        ] as const
        const [first, second] = frontendFirst ? halves : [halves[1], halves[0]]
        const opening = first.open()
        await wait(between)
        await Promise.all([opening, second.open()])
        await halves[0].close()
        await settle()
        expect(world.states).toEqual(['6', '6'])
        for (const half of halves) expect(half.log.count('disconnect')).toBe(1)
        expectLegal(world.statesWritten(world.frontendDirectory, FRONTEND_DOMID))
        expectLegal(world.statesWritten(world.backendDirectory, 0))
        await halves[1].close()
      }),
      { numRuns: 500 },
    )
  })
})
