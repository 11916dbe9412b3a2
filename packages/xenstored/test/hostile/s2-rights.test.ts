import { describe, expect, test } from 'vitest'
import { HONEST, HOSTILE, HostileWorld, TRANSPORTS } from '../support/hostile-world.js'

const home = (domid: number) => `/local/domain/${domid}`

/** What the control domain has that others may not know of. */
const open = async (transport: (typeof TRANSPORTS)[number]) => {
  const world = await HostileWorld.open(transport)
  await world.dom0.write('/secret/place', 'secret')
  return world
}

describe.each(TRANSPORTS)('S2, by %s', (transport) => {
  test('watches of / and of other domains tell nothing of what may not be read, outside and inside of transactions', async () => {
    const world = await open(transport)
    for (const path of ['/', '/secret', '/secret/place', home(HONEST), '/local'])
      expect(await world.hostile.watch(path, 't')).toBe('OK')
    await world.hostile.events()
    await world.dom0.write('/secret/place', 'changed')
    await world.dom0.write(`${home(HONEST)}/state`, '1')
    const id = await world.dom0.start()
    await world.dom0.write('/secret/other', 'x', id)
    await world.dom0.rm('/secret/place', id)
    await world.dom0.end(id)
    await world.dom0.rm('/secret')
    expect(await world.hostile.events()).toEqual([])
    await world.expectSound()
  })

  test.each(['@introduceDomain', '@releaseDomain', '@releaseDomain/7', '@introduceDomain/7', '@any'])(
    'a watch of %s tells nothing of domains that come and go',
    async (special) => {
      const world = await open(transport)
      await world.hostile.watch(special, 't')
      await world.hostile.events()
      await world.store.introduce(7)
      world.store.server.release(7 as never)
      expect(await world.hostile.events()).toEqual([])
    },
  )

  test.each(['/', '/secret', '/local', '/local/domain', home(HONEST), '@introduceDomain', '@releaseDomain'])(
    'nobody’s rights on %s change, and nothing of it goes',
    async (path) => {
      const world = await open(transport)
      const before = await world.dom0.getPerms(path)
      for (const permissions of [[`b${HOSTILE}`], ['b0'], ['n0', `b${HOSTILE}`]])
        expect(await world.hostile.setPerms(path, permissions)).toBe('!EACCES')
      const id = await world.hostile.start()
      expect(await world.hostile.setPerms(path, [`b${HOSTILE}`], id)).toBe('!EACCES')
      await world.hostile.end(id)
      expect(await world.hostile.rm(path)).toBe(path.startsWith('@') ? '!EINVAL' : '!EACCES')
      expect(await world.dom0.getPerms(path)).toBe(before)
      expect(await world.dom0.read('/secret/place')).toBe('secret')
    },
  )

  test('the root stays also when it is the hostile domain’s own', async () => {
    const world = await open(transport)
    await world.dom0.setPerms('/', [`b${HOSTILE}`])
    expect(await world.hostile.rm('/')).toBe('!EINVAL')
    const id = await world.hostile.start()
    expect(await world.hostile.rm('/', id)).toBe('!EINVAL')
    await world.hostile.end(id)
    expect(await world.dom0.read('/secret/place')).toBe('secret')
    await world.expectSound()
  })

  test('its own nodes cannot be given away: neither to the control domain nor to another, whose quota they would take', async () => {
    const world = await open(transport)
    await world.hostile.write('mine', 'x')
    const before = await world.used('nodes', HONEST)
    // Nobody knows a domain 99.
    for (const [owner, error] of [
      [0, '!EPERM'],
      [HONEST, '!EPERM'],
      [99, '!ENOENT'],
    ]) {
      expect(await world.hostile.setPerms('mine', [`b${owner}`])).toBe(error)
      const id = await world.hostile.start()
      expect(await world.hostile.setPerms('mine', [`b${owner}`, `b${HOSTILE}`], id)).toBe(error)
      expect(await world.hostile.end(id)).toBe('OK')
    }
    expect(await world.dom0.getPerms(`${home(HOSTILE)}/mine`)).toBe(`n${HOSTILE}`)
    expect(await world.used('nodes', HONEST)).toBe(before)
    await world.expectSound()
  })

  test('a missing node below what may not be read cannot be told from one that is there', async () => {
    const world = await open(transport)
    for (const path of ['/secret/place', '/secret/none', '/secret/none/deeper', '/none']) {
      expect(await world.hostile.read(path)).toBe('!EACCES')
      expect(await world.hostile.directory(path)).toBe('!EACCES')
      expect(await world.hostile.getPerms(path)).toBe('!EACCES')
      expect(await world.hostile.write(path, 'x')).toBe('!EACCES')
      expect(await world.hostile.mkdir(path)).toBe('!EACCES')
      expect(await world.hostile.rm(path)).toBe('!EACCES')
    }
  })
})
