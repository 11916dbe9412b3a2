import type { Domid } from '@split-driver/abi'
import { ConsoleDaemon, type ConsoleDaemonOptions, ConsoleFrontend } from '@split-driver/console'
import { type EmulatedPlatform, Machine } from '@split-driver/emulator'
import { settle, UNLIMITED } from './console-pair.js'
import { FakeStore } from './fake-store.js'

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** A control domain with a daemon, and guests as a toolstack would make them. */
export const host = async (options: Partial<ConsoleDaemonOptions> = {}) => {
  const machine = Machine.create({ memoryMiB: 64 })
  const { domid, events, mapper, clock } = machine.attach(machine.buildControlDomain().domid)
  const store = new FakeStore()
  const platform = { domid, events, mapper, clock, xenstore: store }
  const keys = async (domid: Domid, values: Record<string, string | number>) => {
    for (const [key, value] of Object.entries(values))
      await store.write(`/local/domain/${domid}/console/${key}`, String(value))
  }
  const build = async (more: Record<string, string | number> = {}) => {
    const guest = machine.attach(machine.buildGuest().domid)
    await keys(guest.domid, { type: 'xenconsoled', 'ring-ref': 1, port: guest.console.port, ...more })
    await store.introduce(guest.domid)
    return guest
  }
  const end = async (guest: EmulatedPlatform) => {
    machine.calls.domains.kill(guest.domid)
    guest.revoke()
    machine.calls.domains.reap(guest.domid)
    await store.release(guest.domid)
    await store.rm(`/local/domain/${guest.domid}`)
  }
  const say = async (guest: EmulatedPlatform, text: string) => {
    const console = new ConsoleFrontend({ ...guest.console, events: guest.events })
    await console.line(text)
    await settle()
    return console
  }
  const before = await build()
  const daemon = await ConsoleDaemon.start({ platform, eventRate: UNLIMITED, ...options })
  const faults: [Domid | undefined, string][] = []
  daemon.on('error', (error, domid) => faults.push([domid, error.code]))
  const logOf = (guest: { domid: Domid }) => {
    const console = daemon.get(guest.domid)
    return console && decode(console.log.bytes())
  }
  return { machine, store, daemon, faults, before, build, end, say, logOf, keys }
}
