/**
 * A control domain with a block backend and a console daemon, and a guest that uses both: the demo's core, in one thread.
 * Run it with `npm run example -- 03-block-and-console`, and on a Xen host with `--real`.
 */
import assert from 'node:assert/strict'
import { BlkifBackendBus, BlkifFrontend, MemoryBlockStore, virtualDeviceNumber } from '@split-driver/blkif'
import { ConsoleDaemon, ConsoleFrontend, printable } from '@split-driver/console'
import { openWorld } from '../world/open-world.js'

// The one line that chooses the world.
const world = await openWorld()

// dom0: a disk of 1 MiB in memory, and every domain's console. Below backend/vbd a Linux dom0's own backend might look.
const kind = 'example'
const bytes = new Uint8Array(1 << 20)
const disks = await new BlkifBackendBus(world.dom0, { kind, openStore: async () => new MemoryBlockStore(bytes) }).open()
const consoles = await ConsoleDaemon.start({ platform: world.dom0 })

// A guest, and its disk xvda.
const guest = await world.createGuest({ name: 'guest' })
const xvda = { type: 'vbd', backendType: kind, id: virtualDeviceNumber('xvda'), backendKeys: { mode: 'w' } }
const device = await world.toolstack.attachDevice(guest, xvda)

// What the guest does: write a sector, read it back, say so.
const terminal = new ConsoleFrontend({ ...guest.console, events: guest.platform.events })
const disk = await BlkifFrontend.open(guest.platform, 'xvda')
const sector = new TextEncoder().encode('one sector through the ring'.padEnd(512, '.'))
await disk.write(7, sector)
await disk.flush()
const back = new Uint8Array(512)
await disk.read(7, back)
await terminal.line(
  `xvda has ${disk.sectorCount} sectors; sector 7 begins "${new TextDecoder().decode(back.subarray(0, 27))}"`,
)

// What the host sees of it.
assert.deepEqual(back, sector)
assert.deepEqual(bytes.subarray(7 * 512, 8 * 512), sector)
await terminal.close()
await disk.close()
await disks.close()
await consoles.close()
const log = consoles.get(guest.domid)?.log.bytes() ?? new Uint8Array()
console.log(`guest's console: ${printable(log).trimEnd()}`)
await device.remove()
assert.deepEqual(await world.ledger(), [])
console.log('closed; nothing is left open')
await world[Symbol.asyncDispose]()
