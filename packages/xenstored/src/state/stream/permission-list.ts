import type { Domid } from '@split-driver/abi'
import type { Permission, PermissionKind } from '@split-driver/xenbus'
import { measured } from './parts.js'

/** An entry as it stands in a stream; `stale` if it names a domain that is gone. */
export interface StatePermission extends Permission {
  readonly stale: boolean
}

const KINDS: readonly (readonly [letter: number, kind: PermissionKind])[] = [
  [0x6e, 'none'],
  [0x72, 'read'],
  [0x77, 'write'],
  [0x62, 'both'],
]

const STALE = 0x01

export const permissionList = measured<'permissions', readonly StatePermission[]>('permissions', 'u16', {
  lengthOf: (entries) => entries.length,
  read: (source, count) => {
    const entries: StatePermission[] = []
    for (let i = 0; i < count; i++) {
      const letter = source.u8()
      const flags = source.u8()
      const domid = source.u16() as Domid
      const [, kind] = KINDS.find(([code]) => code === letter) ?? []
      if (kind === undefined) throw source.error(`entry ${i} allows ${letter}, which is none of n, r, w, b`)
      if ((flags & ~STALE) !== 0) throw source.error(`entry ${i} has the unknown flags ${flags}`)
      entries.push({ domid, kind, stale: flags === STALE })
    }
    return entries
  },
  write: (sink, entries) => {
    for (const { domid, kind, stale } of entries) {
      sink.u8(KINDS.find(([, name]) => name === kind)![0])
      sink.u8(stale ? STALE : 0)
      sink.u16(domid)
    }
  },
})
