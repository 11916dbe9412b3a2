import { headerOf, settle } from '@split-driver/conformance'
import { xenstoreDomainInterface } from '@split-driver/ring'
import { packStrings, XenStoreOp, XenStoreRingError } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { HOSTILE, HostileWorld, TRANSPORTS } from '../support/hostile-world.js'
import { DOM } from '../support/store-world.js'

const { at } = xenstoreDomainInterface

/** Every operation there is, and some that there are not. */
const TYPES = [...Object.values(XenStoreOp), 20, 0xffff_ffff]

describe.each(TRANSPORTS)('S1, by %s', (transport) => {
  test.each([4097, 2 ** 31, 2 ** 32 - 1])(
    'a body of %i bytes ends the connection, whatever it is for',
    async (length) => {
      for (const type of TYPES) {
        const world = await HostileWorld.open(transport)
        await world.hostile.watch('x', 't')
        await world.hostile.start()
        world.hostile.postRaw(headerOf(type, length))
        await settle(100)
        const page = world.store.platform.pages.get(DOM(HOSTILE))!
        if (transport === 'ring') expect(page.load(at.error.word)).toBe(XenStoreRingError.Protocol)
        else expect(world.hostile.channel.closed).toBe(true)
        expect([await world.used('watches'), await world.used('transactions')]).toEqual([0, 0])
        await world.expectSound()
      }
    },
  )

  test('a body of 4096 bytes is answered, whatever it is for', async () => {
    const world = await HostileWorld.open(transport)
    for (const type of TYPES) {
      const reply = await world.hostile.request(type, new Uint8Array(4096).fill(0x78))
      expect([type, XenStoreOp.Error]).toContain(reply.type)
    }
    await world.expectSound()
  })

  test('a token as long as a message can carry: its watch fires where there is room, and never at a path too long', async () => {
    const world = await HostileWorld.open(transport)
    const token = 't'.repeat(4096 - 'x'.length - 2)
    expect(await world.hostile.watch('x', token)).toBe('OK')
    expect(await world.hostile.events()).toEqual([`x ${token}`])
    await world.dom0.write(`/local/domain/${HOSTILE}/x/${'deep'.repeat(100)}`, '')
    // What cannot be told is told at the watch's own path.
    expect(await world.hostile.events()).toEqual([`x ${token}`])
    await world.expectSound()
  })

  test('an absolute watch whose first event could not be sent has no room in a request either', async () => {
    const world = await HostileWorld.open(transport)
    const path = `/${'p'.repeat(2000)}`
    expect(await world.hostile.watch(path, 't'.repeat(4096 - path.length - 2))).toBe('OK')
    expect(await world.hostile.events()).toHaveLength(1)
    await world.expectSound()
  })

  test('5,000 messages without a body, 5,000 of one NUL: each is answered', async () => {
    const world = await HostileWorld.open(transport)
    for (let i = 0; i < 10_000; i++) world.hostile.post(XenStoreOp.Read, i % 2 ? packStrings('') : new Uint8Array())
    await settle(200_000)
    expect(world.hostile.messages).toHaveLength(10_000)
    await world.expectSound()
  })
})
