/**
 * A device that Xen never had, in the hundred lines of pin-device.ts: one domain sets and reads pins that another one
 * drives. Run it with `npm run example -- 02-your-own-device`, and on a Xen host with `--real`.
 */
import assert from 'node:assert/strict'
import { BackendBus } from '@split-driver/xenbus'
import { openWorld } from '../world/open-world.js'
import { PinBackend, PinFrontend } from './pin-device.js'

const world = await openWorld() // the one line that chooses the world
const backends = await new BackendBus(world.dom0, 'pin', (path) => new PinBackend(world.dom0, path)).open()

const guest = await world.createGuest({ name: 'blinker' })
const device = await world.toolstack.attachDevice(guest, { type: 'pin', id: 0 })
const pins = await new PinFrontend(guest.platform, 'device/pin/0').open()
const { pins: count, 'feature-set': canSet } = pins.offer
console.log(`connected: ${count} pins, ${canSet ? 'which can be set' : 'for reading only'}`)

for (const pin of [1, 3, 5]) await pins.set(pin, 1)
const levels = await Promise.all(Array.from({ length: count }, (_, pin) => pins.get(pin)))
console.log(`the guest reads   ${levels.join(' ')}`)
console.log(`the backend holds ${backends.devices[0]?.levels.join(' ')}`)
assert.deepEqual(levels, [0, 1, 0, 1, 0, 1, 0, 0])
await assert.rejects(pins.get(200), /there is no such pin/)

await pins.close()
await backends.close()
await device.remove()
assert.deepEqual(await world.ledger(), [])
console.log('closed; nothing is left open')
await world[Symbol.asyncDispose]()
