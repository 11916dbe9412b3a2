import {
  defaultingTo,
  flag,
  keySet,
  numberKey,
  observeKey,
  observeKeys,
  optionalKey,
  textKey,
  u32Key,
} from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { MemoryXenStore } from '../memory-xenstore.js'
import { settle } from '../settle.js'

const keys = keySet({
  sectors: u32Key(),
  'sector-size': numberKey(512, 4096, 512),
  'feature-flush-cache': flag(false),
  label: optionalKey(textKey()),
})

const world = () => {
  const store = new MemoryXenStore()
  return { store, view: store.view(0) }
}

describe('a directory’s keys', () => {
  it('are written in one transaction, those that are given', async () => {
    const { store, view } = world()
    await keys.write(view, '/dev', { sectors: 9, 'feature-flush-cache': true, label: undefined })
    expect(store.changes.map(({ path, value }) => [path, value])).toEqual([
      ['/dev/sectors', '9'],
      ['/dev/feature-flush-cache', '1'],
    ])
    expect(new Set(store.changes.map(({ commit }) => commit)).size).toBe(1)
  })

  it('read together are of one moment: another’s write in between makes them be read again', async () => {
    const { store, view } = world()
    await keys.write(view, '/dev', { sectors: 1, label: 'one' })
    let writes = 0
    store.beforeCommit = () => {
      if (writes++ > 0) return
      store.apply([
        { domid: 1 as never, commit: 99, path: '/dev/sectors', value: '2' },
        { domid: 1 as never, commit: 99, path: '/dev/label', value: 'two' },
      ])
    }
    expect(await keys.readTogether(view, '/dev')).toEqual({
      sectors: 2,
      'sector-size': 512,
      'feature-flush-cache': false,
      label: 'two',
    })
    expect(writes).toBe(2)
  })

  it('rule 37: one that is missing without a default, or makes no sense, is named', async () => {
    const { view } = world()
    await expect(keys.readTogether(view, '/dev')).rejects.toMatchObject({
      code: 'ENOENT',
      detail: { path: '/dev/sectors' },
    })
    await view.write('/dev/sectors', 'many')
    await expect(keys.readTogether(view, '/dev')).rejects.toMatchObject({ code: 'BAD_KEY' })
  })

  it('are observed: whenever one differs all are told, and nothing else is', async () => {
    const { store, view } = world()
    await keys.write(view, '/dev', { sectors: 1 })
    const seen: unknown[] = []
    const subscription = observeKeys(view, '/dev', keys).subscribe((values) => seen.push(values))
    await settle()
    await view.write('/dev/unknown', 'x')
    await view.write('/dev/sector-size', '512')
    await settle()
    expect(seen.length).toBe(1)
    await keys.write(view, '/dev', { sectors: 2, label: 'a' })
    await settle()
    expect(seen).toEqual([
      { sectors: 1, 'sector-size': 512, 'feature-flush-cache': false, label: undefined },
      { sectors: 2, 'sector-size': 512, 'feature-flush-cache': false, label: 'a' },
    ])
    subscription.unsubscribe()
    await settle()
    expect(store.watches.size).toBe(0)
  })

  it('that stop making sense end the observation with their error, and its watch', async () => {
    const { store, view } = world()
    await keys.write(view, '/dev', { sectors: 1 })
    const errors: unknown[] = []
    observeKeys(view, '/dev', keys).subscribe({ error: (error) => errors.push(error) })
    await settle()
    await view.write('/dev/sectors', '-1')
    await settle()
    expect(errors).toMatchObject([{ code: 'BAD_KEY', detail: { path: '/dev/sectors', value: '-1' } }])
    expect(store.watches.size).toBe(0)
  })
})

describe('rule 24: a key that defaults to another one', () => {
  const sizes = keySet({
    'physical-sector-size': defaultingTo('sector-size', numberKey(512, 65536)),
    'sector-size': numberKey(512, 4096, 512),
  })

  for (const [texts, physical] of [
    [{}, 512],
    [{ 'sector-size': '4096' }, 4096],
    [{ 'sector-size': '512', 'physical-sector-size': '4096' }, 4096],
  ] as const)
    it(`${JSON.stringify(texts)} means ${physical}`, async () => {
      const { view } = world()
      for (const [name, text] of Object.entries(texts)) await view.write(`/dev/${name}`, text)
      expect((await sizes.read(view, '/dev'))['physical-sector-size']).toBe(physical)
    })

  it('is judged by itself when it is there, and the other names itself when it makes no sense', async () => {
    const { view } = world()
    await view.write('/dev/physical-sector-size', '1')
    await expect(sizes.read(view, '/dev')).rejects.toMatchObject({ detail: { path: '/dev/physical-sector-size' } })
    await view.rm('/dev/physical-sector-size')
    await view.write('/dev/sector-size', '1')
    await expect(sizes.read(view, '/dev')).rejects.toMatchObject({ detail: { path: '/dev/sector-size' } })
  })

  it('that is not in the set, or leads back to it, is told where it is declared', () => {
    expect(() => keySet({ a: defaultingTo('b', flag()) })).toThrow(TypeError)
    expect(() => keySet({ a: defaultingTo('a', flag()) })).toThrow(TypeError)
    expect(() => keySet({ a: defaultingTo('b', flag()), b: defaultingTo('a', flag()) })).toThrow(TypeError)
  })
})

describe('one key', () => {
  it('is observed as its type: its default or nothing while it is missing, and told when it differs', async () => {
    const { view } = world()
    const size: unknown[] = []
    const sectors: unknown[] = []
    observeKey(view, '/dev/sector-size', numberKey(512, 4096, 512)).subscribe((value) => size.push(value))
    observeKey(view, '/dev/sectors', u32Key()).subscribe((value) => sectors.push(value))
    for (const value of ['4096', '4096', '1024']) {
      await settle()
      await view.write('/dev/sector-size', value)
    }
    await view.write('/dev/sectors', '7')
    await settle()
    await view.rm('/dev')
    await settle()
    expect(size).toEqual([512, 4096, 1024, 512])
    expect(sectors).toEqual([undefined, 7, undefined])
  })

  it('rule 37: fails with BAD_KEY when it makes no sense', async () => {
    const { view } = world()
    const errors: unknown[] = []
    observeKey(view, '/dev/a', flag()).subscribe({ error: (error) => errors.push(error) })
    await settle()
    await view.write('/dev/a', 'yes')
    await settle()
    expect(errors).toMatchObject([{ code: 'BAD_KEY' }])
  })
})
