import { DOM0, XenError } from '@split-driver/abi'
import type { TransferStore } from '@split-driver/emulator'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantMapper } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import type { Mutant } from './mutant.js'

/** The same disk, but for what is given. */
const altered = (disk: TransferStore, changes: Partial<TransferStore>): TransferStore => ({
  byteLength: disk.byteLength,
  sectorBytes: disk.sectorBytes,
  readOnly: disk.readOnly,
  read: (position, targets) => disk.read(position, targets),
  write: (position, sources) => disk.write(position, sources),
  flush: () => disk.flush(),
  [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  ...changes,
})

/** True at each call number `nth`, counted from 1. */
const each = (nth: number): (() => boolean) => {
  let count = 0
  return () => ++count % nth === 0
}

const never = (): Promise<never> => new Promise(() => {})

/** Loses one notification in `nth`. */
const deaf = (events: EventChannels, nth: number): EventChannels => {
  const isLost = each(nth)
  return new Proxy(events, {
    get: (target, name) => {
      if (name === 'notify') return (port: Parameters<EventChannels['notify']>[0]) => isLost() || target.notify(port)
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** The same platform, but for what is given. */
const alteredPlatform = (platform: Platform, changes: Partial<Platform>): Platform => ({
  domid: platform.domid,
  events: platform.events,
  sharer: platform.sharer,
  mapper: platform.mapper,
  xenstore: platform.xenstore,
  clock: platform.clock,
  supports: platform.supports,
  [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
  ...changes,
})

const diskMutants: Mutant[] = [
  { name: 'flush-forgets', kind: 'data', disk: (disk) => altered(disk, { flush: () => {} }) },
  {
    name: 'write-is-torn',
    kind: 'data',
    disk: (disk) => {
      const isTorn = each(20)
      const write: TransferStore['write'] = (position, sources) =>
        disk.write(position, isTorn() ? [sources[0]!.subarray(0, 256)] : sources)
      return altered(disk, { write })
    },
  },
  {
    name: 'read-goes-astray',
    kind: 'data',
    disk: (disk) => {
      const isAstray = each(8)
      return altered(disk, { read: (position, targets) => disk.read(isAstray() ? 0 : position, targets) })
    },
  },
  {
    name: 'completion-is-lost',
    kind: 'unsettled',
    disk: (disk) => {
      const isLost = each(12)
      return altered(disk, {
        write: (position, sources) => (isLost() ? never() : disk.write(position, sources)),
      })
    },
  },
  {
    name: 'read-fails-for-nothing',
    kind: 'refused',
    disk: (disk) => {
      const fails = each(4)
      const read: TransferStore['read'] = (position, targets) => {
        if (fails()) throw new XenError('EIO', 'for nothing')
        return disk.read(position, targets)
      }
      return altered(disk, { read })
    },
  },
  {
    name: 'disk-dies',
    kind: 'lost-device',
    disk: (disk) => {
      let transfers = 0
      const read: TransferStore['read'] = (position, targets) => {
        if (++transfers > 10) throw new XenError('EIO', 'the disk has died')
        return disk.read(position, targets)
      }
      return altered(disk, { read })
    },
  },
  {
    name: 'disk-never-closes',
    kind: 'hang',
    disk: (disk) => altered(disk, { [Symbol.asyncDispose]: never }),
  },
  {
    name: 'order-is-ambient',
    kind: 'replay',
    disk: (disk) => {
      const write: TransferStore['write'] = async (position, sources) => {
        for (let turns = Number(process.hrtime.bigint() % 5n); turns > 0; turns--)
          await new Promise<void>((resolve) => setImmediate(resolve))
        await disk.write(position, sources)
      }
      return altered(disk, { write })
    },
  },
]

const otherMutants: Mutant[] = [
  {
    name: 'wake-up-is-lost',
    kind: 'unsettled',
    backendPlatform: (platform) => alteredPlatform(platform, { events: deaf(platform.events, 10) }),
  },
  {
    name: 'mapping-is-left',
    kind: 'ledger',
    backendPlatform: (platform) => {
      const isLeft = each(10)
      const { mapper } = platform
      const forgetful: GrantMapper = {
        map: (domid, refs, access) => mapper.map(domid, refs, access),
        unmap: (mapping) => isLeft() || mapper.unmap(mapping),
        copyFrom: (domid, source, target) => mapper.copyFrom(domid, source, target),
        copyTo: (domid, source, target) => mapper.copyTo(domid, source, target),
      }
      return alteredPlatform(platform, { mapper: forgetful })
    },
  },
  { name: 'output-has-a-gap', kind: 'console', line: (line) => line.replace('line 3', 'line') },
  { name: 'output-is-short', kind: 'console', line: (line) => line.slice(0, 1000) },
  { name: 'port-is-left-open', kind: 'ledger', atWork: ({ dom0 }) => void dom0.events.bindUnboundPort(DOM0) },
  { name: 'page-is-left-shared', kind: 'ledger', atWork: ({ dom0 }) => void dom0.sharer.share(DOM0, 1, 'writable') },
  { name: 'watch-is-left-open', kind: 'ledger', atWork: ({ dom0 }) => void dom0.xenstore.watch('/left') },
  {
    name: 'rejection-is-forgotten',
    kind: 'stray-error',
    atWork: () => void Promise.reject(new XenError('CLOSED', 'nobody looks at this')),
  },
]

/** At least one for each kind of violation. */
export const mutants: readonly Mutant[] = [...diskMutants, ...otherMutants]
