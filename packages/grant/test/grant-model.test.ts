import { type Domid, FlatMemory, type FrameNumber, type GrantRef } from '@split-driver/abi'
import {
  DeferredRelease,
  type GrantAccess,
  GrantFlag,
  GrantRefPool,
  GrantStatus,
  type GrantTable,
  GrantTableV1,
  GrantTableV2,
  type PinRequest,
  pinEntry,
  pinEntryV2,
  unpinEntry,
  unpinEntryV2,
} from '@split-driver/grant'
import fc from 'fast-check'
import { expect, it } from 'vitest'

interface Grant {
  readonly ref: GrantRef
  readonly domid: Domid
  readonly frame: FrameNumber
  readonly access: GrantAccess
  readers: number
  writers: number
  released: boolean
}

const ENTRIES = 8 + 4

/** Both halves of an ABI. */
interface Halves {
  readonly table: GrantTable
  pin(ref: GrantRef, request: PinRequest): GrantStatus
  unpin(ref: GrantRef, released: number): void
}

const version1 = (): Halves => {
  const page = FlatMemory.allocate(4096)
  return {
    table: new GrantTableV1([page]),
    pin: (ref, request) => pinEntry(page, ref, request),
    unpin: (ref, released) => unpinEntry(page, ref, released),
  }
}

const version2 = (): Halves => {
  const [page, status] = [FlatMemory.allocate(4096), FlatMemory.allocate(4096)]
  return {
    table: new GrantTableV2([page], [status]),
    pin: (ref, request) => pinEntryV2(page, ref, status, ref, request),
    unpin: (ref, released) => unpinEntryV2(status, ref, released),
  }
}

/** Guest and hypervisor on one table, with a list of grants in place of bits as the model. */
class World {
  readonly pool = new GrantRefPool(ENTRIES)
  readonly deferred: DeferredRelease
  readonly live: Grant[] = []
  readonly #halves: Halves
  #nextFrame = 1

  constructor(halves: Halves) {
    this.#halves = halves
    this.deferred = new DeferredRelease(halves.table)
  }

  grant(domid: Domid, access: GrantAccess): void {
    if (this.pool.available === 0) return
    const ref = this.pool.claim()
    expect(this.live.map((grant) => grant.ref)).not.toContain(ref)
    const frame = this.#nextFrame++ as FrameNumber
    this.#halves.table.grantAccess(ref, domid, frame, access)
    this.live.push({ ref, domid, frame, access, readers: 0, writers: 0, released: false })
  }

  map(ref: GrantRef, domid: Domid, access: GrantAccess): void {
    const grant = this.live.find((candidate) => candidate.ref === ref)
    const pinned = grant !== undefined && grant.readers + grant.writers > 0
    const alreadyPinned = pinned && grant.domid === domid
    // Version 1 leaves an entry as it is until access has ended; version 2 lets nobody new in.
    const open = grant !== undefined && (!grant.released || pinned || this.#halves.table.version === 1)
    const allowed = open && grant.domid === domid && (access === 'read-only' || grant.access === 'writable')
    const status = this.#halves.pin(ref, { domid, access, purpose: 'map', alreadyPinned })
    expect(status).toBe(allowed ? GrantStatus.GNTST_okay : GrantStatus.GNTST_general_error)
    if (!allowed) return
    expect(this.#halves.table.query(ref).frame).toBe(grant.frame)
    if (access === 'writable') grant.writers++
    else grant.readers++
  }

  unmap(grant: Grant, access: GrantAccess): void {
    if (access === 'writable' && grant.writers > 0) grant.writers--
    else if (grant.readers > 0) grant.readers--
    else return
    const released =
      (grant.writers === 0 ? GrantFlag.writing : 0) | (grant.readers + grant.writers === 0 ? GrantFlag.reading : 0)
    this.#halves.unpin(grant.ref, released)
  }

  release(grant: Grant): void {
    if (grant.released) return
    grant.released = true
    const free = this.deferred.release(grant.ref, (ref) => {
      expect(grant.readers + grant.writers).toBe(0)
      this.pool.release(ref)
      this.live.splice(this.live.indexOf(grant), 1)
    })
    expect(free).toBe(grant.readers + grant.writers === 0)
  }

  reclaim(): void {
    const held = this.live.filter((grant) => grant.released && grant.readers + grant.writers > 0).length
    expect(this.deferred.reclaim()).toBe(held)
  }

  check(): void {
    for (const grant of this.live) {
      const { flags } = this.#halves.table.query(grant.ref)
      expect((flags & GrantFlag.writing) !== 0).toBe(grant.writers > 0)
      expect((flags & GrantFlag.reading) !== 0).toBe(grant.readers + grant.writers > 0)
    }
  }
}

const domids = fc.constantFrom(0, 1).map((domid) => domid as Domid)
const accesses = fc.constantFrom<GrantAccess>('read-only', 'writable')
const step = fc.record({
  act: fc.constantFrom('grant', 'map', 'map', 'unmap', 'release', 'reclaim'),
  domid: domids,
  access: accesses,
  pick: fc.nat(ENTRIES - 1),
})

it.each([
  [1, version1],
  [2, version2],
] as const)(
  'rules 67 to 70 and G2, version %i: any sequence of grants, maps, unmaps and releases equals a model with counts',
  (_, halves) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const world = new World(halves())
        for (const { act, domid, access, pick } of steps) {
          const grant = world.live[pick % Math.max(1, world.live.length)]
          if (act === 'grant') world.grant(domid, access)
          else if (act === 'map') world.map((grant?.ref ?? pick) as GrantRef, domid, access)
          else if (act === 'reclaim') world.reclaim()
          else if (grant !== undefined && act === 'unmap') world.unmap(grant, access)
          else if (grant !== undefined) world.release(grant)
          world.check()
        }
      }),
      { numRuns: 1000 },
    )
  },
)
