import { type Domid, FlatMemory, type FrameNumber, type GrantRef } from '@split-driver/abi'
import { DeferredRelease, GrantFlag, GrantTableV1, pinEntry, unpinEntry } from '@split-driver/grant'
import { expect, it } from 'vitest'

const request = { domid: 0 as Domid, access: 'writable', purpose: 'map', alreadyPinned: false } as const

const world = () => {
  const page = FlatMemory.allocate(4096)
  const table = new GrantTableV1([page])
  const deferred = new DeferredRelease(table)
  const freed: GrantRef[] = []
  const grant = (value: number): GrantRef => {
    table.grantAccess(value as GrantRef, 0 as Domid, 7 as FrameNumber, 'writable')
    return value as GrantRef
  }
  return { page, deferred, freed, grant, release: (ref: GrantRef) => deferred.release(ref, (r) => freed.push(r)) }
}

it('rule 69: what nobody holds is free at once', () => {
  const { deferred, freed, grant, release } = world()
  expect(release(grant(8))).toBe(true)
  expect(freed).toEqual([8])
  expect(deferred.size).toBe(0)
})

it('B8: what a peer holds is not freed before it lets go, and is freed once', () => {
  const { page, deferred, freed, grant, release } = world()
  const [a, b] = [grant(8), grant(9)]
  for (const ref of [a, b]) pinEntry(page, ref, request)
  expect([release(a), release(b)]).toEqual([false, false])
  expect(deferred.reclaim()).toBe(2)
  unpinEntry(page, b, GrantFlag.reading | GrantFlag.writing)
  expect(deferred.reclaim()).toBe(1)
  expect(freed).toEqual([9])
  unpinEntry(page, a, GrantFlag.reading | GrantFlag.writing)
  expect(deferred.reclaim()).toBe(0)
  expect(deferred.reclaim()).toBe(0)
  expect(freed).toEqual([9, 8])
})

it('B8: a reference released while another is freed is looked at in the next turn', () => {
  const { page, deferred, freed, grant, release } = world()
  const [a, b] = [grant(8), grant(9)]
  for (const ref of [a, b]) pinEntry(page, ref, request)
  deferred.release(a, (ref) => {
    freed.push(ref)
    release(b)
  })
  unpinEntry(page, a, GrantFlag.reading | GrantFlag.writing)
  expect(deferred.reclaim()).toBe(1)
  unpinEntry(page, b, GrantFlag.reading | GrantFlag.writing)
  expect(deferred.reclaim()).toBe(0)
  expect(freed).toEqual([8, 9])
})
