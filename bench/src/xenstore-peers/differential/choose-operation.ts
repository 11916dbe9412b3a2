import type { SeededRandom } from '@split-driver/conformance'
import { concatBytes, PAYLOAD_MAX_BYTES, XenStoreOp } from '@split-driver/xenbus'
import {
  chooseCommand,
  chooseDomid,
  choosePath,
  choosePermissions,
  chooseStranger,
  chooseTarget,
  chooseToken,
  chooseValue,
  chooseWatchPath,
  spoil,
  strings,
} from './choose-body.js'
import type { Operation, TransactionChoice } from './operation.js'

const ofPath = (random: SeededRandom) => strings(choosePath(random))
const ofDomid = (random: SeededRandom) => strings(chooseDomid(random))
const ofWatch = (random: SeededRandom) => strings(chooseWatchPath(random), chooseToken(random))

/** How often a type is asked, and with what body. */
const types: readonly (readonly [weight: number, type: number, body: (random: SeededRandom) => Uint8Array])[] = [
  [14, XenStoreOp.Read, ofPath],
  [20, XenStoreOp.Write, (random) => concatBytes(ofPath(random), chooseValue(random))],
  [6, XenStoreOp.Mkdir, ofPath],
  [8, XenStoreOp.Rm, ofPath],
  [8, XenStoreOp.Directory, ofPath],
  [3, XenStoreOp.DirectoryPart, (random) => strings(choosePath(random), String(random.pick([0, 0, 2, 4, 9, 5000])))],
  [5, XenStoreOp.GetPerms, (random) => strings(random.below(8) === 0 ? chooseWatchPath(random) : choosePath(random))],
  [7, XenStoreOp.SetPerms, (random) => strings(choosePath(random), ...choosePermissions(random))],
  [1, XenStoreOp.SetPerms, (random) => strings(chooseWatchPath(random), ...choosePermissions(random))],
  [8, XenStoreOp.Watch, ofWatch],
  [5, XenStoreOp.Unwatch, ofWatch],
  [6, XenStoreOp.TransactionStart, () => strings('')],
  [7, XenStoreOp.TransactionEnd, (random) => strings(random.pick(['T', 'T', 'T', 'T', 'F', 'F', 'X', '', 'TT']))],
  [2, XenStoreOp.GetDomainPath, ofDomid],
  [2, XenStoreOp.IsDomainIntroduced, ofDomid],
  [1, XenStoreOp.Introduce, (random) => strings(chooseStranger(random), '5', String(random.below(9)))],
  [1, XenStoreOp.Release, (random) => strings(chooseStranger(random))],
  [1, XenStoreOp.Resume, ofDomid],
  [2, XenStoreOp.SetTarget, (random) => strings(...chooseTarget(random))],
  [1, XenStoreOp.ResetWatches, () => strings('')],
  [1, XenStoreOp.Control, (random) => strings(...chooseCommand(random))],
]
const byWeight = types.flatMap((entry) => Array.from({ length: entry[0] }, () => entry))

/** What no daemon of 4.17 knows, but for 15 and 16, which no client may send. */
const unknownTypes = [15, 16, 20, 23, 24, 25, 26, 27, 255, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]

/** Chooses one request after the other; what was watched is watched again, and given up, more often than by chance. */
export class OperationChooser {
  readonly #random: SeededRandom
  readonly #sockets: number
  readonly #watched: Operation[] = []

  /** @param sockets how many clients, the first ones, may lose their connection */
  constructor(random: SeededRandom, sockets: number) {
    this.#random = random
    this.#sockets = sockets
  }

  /** @param slots how many transactions each client has open */
  next(slots: readonly number[]): Operation {
    const random = this.#random
    if (random.below(800) === 0) {
      const body = new Uint8Array(PAYLOAD_MAX_BYTES + 1)
      return { client: random.below(this.#sockets), type: XenStoreOp.Write, transaction: 'none', body }
    }
    const operation = this.#choose(slots)
    if (operation.type === XenStoreOp.Watch) this.#watched.push(operation)
    return operation
  }

  #choose(slots: readonly number[]): Operation {
    const random = this.#random
    const client = random.below(slots.length)
    if (random.below(60) === 0) {
      const body = ofPath(random).subarray(0, PAYLOAD_MAX_BYTES)
      return { client, type: random.pick(unknownTypes), transaction: 'none', body }
    }
    const [, type, bodyOf] = random.pick(byWeight)
    const body = bodyOf(random)
    const again = type === XenStoreOp.Unwatch ? 2 : type === XenStoreOp.Watch ? 8 : 0
    if (again > 0 && this.#watched.length > 0 && random.below(again) === 0) {
      return { ...random.pick(this.#watched), type }
    }
    return {
      client,
      type,
      transaction: chooseTransaction(random, type, slots[client] ?? 0),
      body: (random.below(14) === 0 ? spoil(random, body) : body).subarray(0, PAYLOAD_MAX_BYTES),
    }
  }
}

function chooseTransaction(random: SeededRandom, type: number, open: number): TransactionChoice {
  if (random.below(50) === 0) return 'unknown'
  const slot = { slot: random.below(Math.max(open, 1)) }
  if (type === XenStoreOp.TransactionEnd) return open === 0 ? 'unknown' : slot
  if (type === XenStoreOp.TransactionStart && random.below(12) !== 0) return 'none'
  return open > 0 && random.below(3) !== 0 ? slot : 'none'
}
