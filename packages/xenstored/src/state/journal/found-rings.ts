import type { Domid, Port } from '@split-driver/abi'
import type { DomainStates } from '@split-driver/platform'
import { sameBytes } from '../../client/waiting-messages.js'
import type { FoundState } from './journal.js'
import type { JournalEntry } from './journal-entry.js'

type EntryOf<K extends JournalEntry['kind']> = JournalEntry & { readonly kind: K }

/** A domain that was served through its ring, as a journal has it. */
export interface FoundRing {
  readonly domid: Domid
  readonly uuid: string
  readonly remotePort: Port
  shutDown: boolean
  target: Domid | undefined
  /** In the order of their registration. */
  watches: EntryOf<'WATCH'>[]
  /** `undefined` if nothing was ever under way. */
  ring: EntryOf<'RING'> | undefined
}

/** Who was served through a ring when the server was last heard of, in the order of their introduction. */
export const foundRings = ({ batches }: Pick<FoundState, 'batches'>): FoundRing[] => {
  const found = new Map<number, FoundRing>()
  for (const { entries } of batches) for (const entry of entries) follow(found, entry)
  return [...found.values()]
}

const follow = (found: Map<number, FoundRing>, entry: JournalEntry): void => {
  if (!('domid' in entry)) return
  const { kind, domid } = entry
  if (kind === 'INTRODUCED') introduce(found, entry)
  else if (kind === 'DIED') forget(found, domid)
  const known = found.get(domid)
  if (known === undefined) return
  if (kind === 'WATCH') known.watches.push(entry)
  else if (kind === 'UNWATCH') known.watches = known.watches.filter((watch) => !isSame(watch, entry))
  else if (kind === 'UNWATCH_ALL') known.watches = []
  else if (kind === 'TARGET') known.target = entry.target as Domid
  else if (kind === 'SHUTDOWN') known.shutDown = entry.shutDown === 1
  else if (kind === 'RING') known.ring = entry
}

/** Whoever is introduced anew begins anew, and may act for whom it could before. */
const introduce = (
  found: Map<number, FoundRing>,
  { domid, uuid, remotePort, shutDown }: EntryOf<'INTRODUCED'>,
): void => {
  const target = found.get(domid)?.target
  const life = { domid: domid as Domid, uuid, remotePort: remotePort as Port, shutDown: shutDown === 1 }
  found.set(domid, { ...life, target, watches: [], ring: undefined })
}

const forget = (found: Map<number, FoundRing>, domid: number): void => {
  found.delete(domid)
  for (const other of found.values()) if (other.target === domid) other.target = undefined
}

const isSame = (one: EntryOf<'WATCH'>, other: EntryOf<'UNWATCH'>): boolean =>
  one.path === other.path && sameBytes(one.token, other.token)

/**
 * Those whose domain is what it was, and those whose domain has ended, be it that another has its domid now. Of a machine
 * that was started anew no domain is left; where it says nothing of its domains, all are taken for what they were.
 */
export const stillThere = (
  found: FoundState,
  states: DomainStates | undefined,
  control: Domid,
): { readonly there: FoundRing[]; readonly gone: FoundRing[] } => {
  const rings = foundRings(found).filter(({ domid }) => found.sameBoot || domid !== control)
  const isThere = ({ domid, uuid }: FoundRing): boolean => {
    if (!found.sameBoot) return false
    if (domid === control || states === undefined) return true
    const state = states.stateOf(domid)
    const now = states.uuidOf?.(domid)
    return state !== undefined && state !== 'dying' && (now === undefined || uuid === '' || now === uuid)
  }
  return { there: rings.filter(isThere), gone: rings.filter((ring) => !isThere(ring)) }
}
