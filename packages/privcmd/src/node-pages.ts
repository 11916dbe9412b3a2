import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'
import type { GrantAccess } from '@split-driver/grant'
import type { MappedRange } from './system-calls.js'

/** Pages of a grant node that are mapped into this process, whoever they belong to. */
export class NodePages {
  readonly remoteDomid: Domid
  readonly access: GrantAccess
  readonly refs: readonly GrantRef[]
  readonly memory: SharedMemory
  /** Where in the node's file, in bytes. */
  readonly index: number
  readonly range: MappedRange

  constructor(remoteDomid: Domid, access: GrantAccess, refs: readonly GrantRef[], index: number, range: MappedRange) {
    this.remoteDomid = remoteDomid
    this.access = access
    this.refs = refs
    this.index = index
    this.range = range
    this.memory = range.memory
  }
}
