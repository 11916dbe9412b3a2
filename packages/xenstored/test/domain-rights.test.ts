import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { DOM, StoreWorld } from './support/store-world.js'

/** Domains 5 and 6, where 6 acts for 5, as its device model. */
const world = async () => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  for (const domid of [5, 6]) {
    await dom0.mkdir(`/local/domain/${domid}`)
    await dom0.setPerms(`/local/domain/${domid}`, [`n${domid}`])
  }
  await dom0.mkdir('/shared')
  const [guest, model] = [await store.introduce(5), await store.introduce(6)]
  const setTarget = (domid: string, target: string) => dom0.ask(XenStoreOp.SetTarget, packStrings(domid, target))
  return { store, dom0, guest, model, setTarget }
}

describe('SET_TARGET', () => {
  test('grants what the target owns, and whatever else the target was granted', async () => {
    const { dom0, guest, model, setTarget } = await world()
    await guest.write('x', 'of 5')
    await dom0.setPerms('/shared', ['n0', 'r5'])
    expect(await model.read('/local/domain/5/x')).toBe('!EACCES')
    expect(await model.directory('/shared')).toBe('!EACCES')
    expect(await setTarget('6', '5')).toBe('OK')
    expect(await model.read('/local/domain/5/x')).toBe('of 5')
    expect(await model.write('/local/domain/5/x', 'of 6')).toBe('OK')
    expect(await model.setPerms('/local/domain/5/x', ['r5'])).toBe('OK')
    expect(await model.directory('/shared')).toBe('')
    expect(await model.write('/shared', 'x')).toBe('!EACCES')
    expect(await guest.read('/local/domain/6')).toBe('!EACCES')
  })

  test('the first entry that names either decides; the owner stays who it is', async () => {
    const { dom0, model, setTarget } = await world()
    await setTarget('6', '5')
    await dom0.setPerms('/shared', ['n0', 'n5', 'r6'])
    expect(await model.read('/shared')).toBe('!EACCES')
    await dom0.setPerms('/shared', ['n0', 'r6', 'n5'])
    expect(await model.read('/shared')).toBe('')
    expect(await model.setPerms('/local/domain/5', ['n6'])).toBe('!EPERM')
    expect(await model.mkdir('/local/domain/5/made')).toBe('OK')
    expect(await dom0.getPerms('/local/domain/5/made')).toBe('n6')
  })

  test('its watches are told of what the target may read', async () => {
    const { guest, model, setTarget } = await world()
    await setTarget('6', '5')
    await model.watch('/local/domain/5', 't')
    await model.events()
    await guest.write('x', '1')
    expect(await model.events()).toEqual(['/local/domain/5/x t'])
  })

  test('S3: ends with the target’s life; its domid’s next bearer is no target', async () => {
    const { store, dom0, model, setTarget } = await world()
    await setTarget('6', '5')
    await dom0.setPerms('/shared', ['n0', 'r5'])
    store.server.release(DOM(5))
    expect(await model.directory('/shared')).toBe('!EACCES')
    const next = await store.introduce(5)
    await dom0.mkdir('/local/domain/5')
    await dom0.setPerms('/local/domain/5', ['n5'])
    await next.write('secret', 'x')
    expect(await model.read('/local/domain/5/secret')).toBe('!EACCES')
  })

  test('who is not introduced is ENOENT, what is no domain EINVAL, and guests may not ask', async () => {
    const { guest, setTarget } = await world()
    expect(await setTarget('6', '7')).toBe('!ENOENT')
    expect(await setTarget('7', '5')).toBe('!ENOENT')
    expect(await setTarget('6', 'x')).toBe('!EINVAL')
    expect(await guest.ask(XenStoreOp.SetTarget, packStrings('5', '6'))).toBe('!EACCES')
  })
})

describe('RESUME', () => {
  test('is for introduced domains, and for dom0 to ask', async () => {
    const { dom0, guest } = await world()
    const resume = (domid: string) => dom0.ask(XenStoreOp.Resume, packStrings(domid))
    expect(await resume('5')).toBe('OK')
    expect(await resume('7')).toBe('!ENOENT')
    expect(await resume('0')).toBe('!EINVAL')
    expect(await resume('x')).toBe('!EINVAL')
    expect(await guest.ask(XenStoreOp.Resume, packStrings('5'))).toBe('!EACCES')
  })
})

describe('rule 53: GET_FEATURE and SET_FEATURE', () => {
  test('one’s own for all; those of others for the privileged', async () => {
    const { dom0, guest } = await world()
    for (const body of [new Uint8Array(), packStrings('')]) {
      expect(await guest.ask(XenStoreOp.GetFeature, body)).toBe('7')
      expect(await dom0.ask(XenStoreOp.GetFeature, body)).toBe('7')
    }
    expect(await guest.ask(XenStoreOp.GetFeature, packStrings('5'))).toBe('!EACCES')
    expect(await dom0.ask(XenStoreOp.GetFeature, packStrings('5'))).toBe('7')
    expect(await dom0.ask(XenStoreOp.GetFeature, packStrings('5', '6'))).toBe('!EINVAL')
    expect(await dom0.ask(XenStoreOp.GetFeature, packStrings('x'))).toBe('!EINVAL')
  })

  test('are set before INTRODUCE only, which writes them into the ring page', async () => {
    const { store, dom0, guest } = await world()
    const set = (...texts: string[]) => dom0.ask(XenStoreOp.SetFeature, packStrings(...texts))
    const page = store.platform.addDomain(DOM(8))
    expect(await set('8', '2')).toBe('OK')
    expect(await dom0.ask(XenStoreOp.GetFeature, packStrings('8'))).toBe('2')
    const late = await store.introduce(8)
    expect(page.load(2064 / 4)).toBe(2)
    expect(await late.ask(XenStoreOp.GetFeature, packStrings(''))).toBe('2')
    expect(await set('8', '7')).toBe('!EBUSY')
    expect(await set('9', '8')).toBe('!EINVAL')
    expect(await set('9', '4294967303')).toBe('!EINVAL')
    expect(await set('9')).toBe('!EINVAL')
    expect(await set('9', '1', '1')).toBe('!EINVAL')
    expect(await guest.ask(XenStoreOp.SetFeature, packStrings('9', '1'))).toBe('!EACCES')
  })
})
