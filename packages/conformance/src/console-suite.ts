import { CONSOLE_OUT_BYTES, ConsoleDaemon, type ConsoleDaemonOptions, ConsoleFrontend } from '@split-driver/console'
import { assert, assertEqual, assertList } from './assert.js'
import { SeededRandom } from './seeded-random.js'
import { defineSuite, type SuiteCase } from './suite.js'
import { eventually, within } from './wait.js'
import type { GuestHandle, World } from './world.js'

/** For cases that are not about the event rate, and should not wait for it. */
const UNLIMITED = { events: Number.POSITIVE_INFINITY, milliseconds: 1 }

const startDaemon = (world: World, options: Partial<ConsoleDaemonOptions> = {}): Promise<ConsoleDaemon> =>
  ConsoleDaemon.start({ platform: world.dom0, eventRate: UNLIMITED, ...options })

const openFrontend = ({ platform, console }: GuestHandle): ConsoleFrontend =>
  new ConsoleFrontend({ events: platform.events, ...console })

const logOf = (daemon: ConsoleDaemon, { domid }: GuestHandle): string => {
  const console = daemon.get(domid)
  return console === undefined ? '' : new TextDecoder().decode(console.log.bytes())
}

const servedConsole = async ({ dom0 }: World, daemon: ConsoleDaemon, { domid }: GuestHandle) => {
  await eventually(dom0.clock, () => daemon.get(domid)?.connected === true, `domain ${domid} to be served`)
  return daemon.get(domid)!
}

/** Reads exactly `length` bytes. */
const take = async (readable: ReadableStream<Uint8Array>, length: number): Promise<Uint8Array> => {
  const reader = readable.getReader()
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const { done, value } = await reader.read()
    assert(!done, `the stream ended after ${at} of ${length} bytes`)
    bytes.set(value, at)
    at += value.length
  }
  reader.releaseLock()
  return bytes
}

const cases: SuiteCase[] = [
  {
    name: 'rule 59: what a guest writes before and after the daemon comes is in its log; each guest has its own',
    run: async (world) => {
      const [first, second] = [await world.createGuest(), await world.createGuest()]
      await using early = openFrontend(first)
      await early.line('before the daemon')
      await using daemon = await startDaemon(world)
      const third = await world.createGuest()
      await using late = openFrontend(second)
      await using later = openFrontend(third)
      await Promise.all([early.line('and after'), late.line('second'), later.line('third')])
      const all = () => [first, second, third].map((guest) => logOf(daemon, guest)).join('')
      const due = 'before the daemon\r\nand after\r\nsecond\r\nthird\r\n'
      await eventually(world.dom0.clock, () => all() === due, 'all the lines')
    },
  },
  {
    name: 'rule 58: output of many times the ring’s size arrives byte for byte',
    run: async (world, { seed, scale }) => {
      const guest = await world.createGuest()
      await using daemon = await startDaemon(world)
      await using frontend = openFrontend(guest)
      const sent = new SeededRandom(seed).bytes(Math.ceil(100 * scale) * CONSOLE_OUT_BYTES + 1)
      const console = await servedConsole(world, daemon, guest)
      const both = Promise.all([
        take(console.attachReader().readable, sent.length),
        frontend.writable.getWriter().write(sent),
      ])
      const [read] = await within(world.dom0.clock, both, 'all the output', 30_000)
      assertList(read, sent, 'output')
    },
  },
  {
    name: 'rule 58: input of many times the ring’s size arrives byte for byte, held back by a guest that does not read',
    run: async (world, { seed }) => {
      const guest = await world.createGuest()
      await using daemon = await startDaemon(world)
      await using frontend = openFrontend(guest)
      const console = await servedConsole(world, daemon, guest)
      using writer = console.attachWriter()
      const typed = new SeededRandom(seed).bytes(50_001)
      const both = Promise.all([take(frontend.readable, typed.length), writer.writable.getWriter().write(typed)])
      const [read] = await within(world.dom0.clock, both, 'all the input', 30_000)
      assertList(read, typed, 'input')
    },
  },
  {
    name: 'both ways at once, in chunks of any size',
    run: async (world, { seed, scale }) => {
      const guest = await world.createGuest()
      await using daemon = await startDaemon(world)
      await using frontend = openFrontend(guest)
      const console = await servedConsole(world, daemon, guest)
      using writer = console.attachWriter()
      const random = new SeededRandom(seed)
      const chunks = Array.from({ length: Math.ceil(40 * scale) }, () => random.bytes(1 + random.below(5000)))
      const all = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))
      const send = async (writable: WritableStream<Uint8Array>): Promise<void> => {
        const stream = writable.getWriter()
        for (const chunk of chunks) await stream.write(chunk)
      }
      const both = Promise.all([
        take(console.attachReader().readable, all.length),
        take(frontend.readable, all.length),
        send(frontend.writable),
        send(writer.writable),
      ])
      const [out, typed] = await within(world.dom0.clock, both, 'both directions', 30_000)
      assertList(out, all, 'output')
      assertList(typed, all, 'input')
    },
  },
  {
    name: 'rule 60: xenconsoled’s event rate delays a chatty guest and loses nothing',
    run: async (world) => {
      const guest = await world.createGuest()
      await using daemon = await ConsoleDaemon.start({ platform: world.dom0 })
      await using frontend = openFrontend(guest)
      const console = await servedConsole(world, daemon, guest)
      const sent = new Uint8Array(64 * CONSOLE_OUT_BYTES).fill(46)
      const start = world.dom0.clock.now()
      await within(world.dom0.clock, frontend.writable.getWriter().write(sent), 'the guest to have written')
      await eventually(world.dom0.clock, () => console.log.end === sent.length, 'all of the output')
      assert(world.dom0.clock.now() - start >= 200, '64 full rings were served within one period')
      assert(console.throttled > 0, 'no event was withheld')
    },
  },
  {
    name: 'a guest that is destroyed in the middle of its output leaves its last words and nothing open',
    run: async (world) => {
      const guest = await world.createGuest()
      const other = await world.createGuest()
      await using daemon = await startDaemon(world)
      await using neighbour = openFrontend(other)
      const frontend = openFrontend(guest)
      const console = await servedConsole(world, daemon, guest)
      await frontend.line('so far so good')
      frontend.writable
        .getWriter()
        .write(new Uint8Array(1 << 20))
        .catch(() => {})
      await guest.destroy()
      await eventually(world.dom0.clock, () => !console.connected, 'the daemon to have let go')
      assert(logOf(daemon, guest).startsWith('so far so good\r\n'), 'the log has lost its beginning')
      await neighbour.line('undisturbed')
      await eventually(world.dom0.clock, () => logOf(daemon, other) === 'undisturbed\r\n', 'the neighbour’s line')
      assertEqual(daemon.forget(guest.domid), true, 'forget')
      assertEqual(daemon.get(guest.domid), undefined, 'the console that was forgotten')
    },
  },
]

/** The primary console as rules 57 to 60 have it, between a guest and a daemon in the control domain. */
export const consoleSuite = defineSuite('console', cases)
