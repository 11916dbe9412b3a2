import { type Message, okBody, packStrings, toText, unpackTexts, XenStoreOp } from '@split-driver/xenbus'
import type { DefectRow } from './defect-row.js'
import type { Defect } from './defective-world.js'
import type { WireDefect } from './tampered-channel.js'

/** Each connection to the server has the defect anew. */
const wire = (make: () => WireDefect): Defect => ({ wire: make })

const textsOf = ({ body }: Message): string[] => unpackTexts(body) ?? []

const requests = (type: number, wrong: (right: Message) => Message): Defect =>
  wire(() => ({ request: (message) => (message.type === type ? wrong(message) : message) }))

const replies = (type: number, wrong: (right: Message) => Message): Defect =>
  wire(() => ({ reply: (message) => [message.type === type ? wrong(message) : message] }))

/** Errors of these names become OK. */
const pardoned = (...names: string[]): Defect =>
  replies(XenStoreOp.Error, (right) =>
    names.includes(toText(right.body).slice(0, -1)) ? { ...right, type: XenStoreOp.Watch, body: okBody() } : right,
  )

const eventsFirst = (): WireDefect => {
  let held: Message | undefined
  const release = (): readonly Message[] => {
    const message = held
    held = undefined
    return message ? [message] : []
  }
  return {
    reply: (message) => {
      if (message.type !== XenStoreOp.Watch) return [message, ...release()]
      held = message
      return []
    },
  }
}

const renamed = (right: Message, rename: (path: string) => string): Message => {
  const end = right.body.indexOf(0)
  const path = packStrings(rename(toText(right.body.subarray(0, end))))
  return { ...right, body: Uint8Array.of(...path, ...right.body.subarray(end + 1)) }
}

/** A RELEASE that forgets nothing. */
const kept = requests(XenStoreOp.Release, (right) => ({ ...right, type: XenStoreOp.Resume }))

/** A domain that comes back is taken for the one that went. */
const mistaken = wire(() => {
  const seen = new Set<string>()
  return {
    request: (message) => {
      const [domid = ''] = textsOf(message)
      const resume = { ...message, type: XenStoreOp.Resume, body: packStrings(domid) }
      if (message.type === XenStoreOp.Release) return resume
      if (message.type !== XenStoreOp.Introduce) return message
      const again = seen.has(domid)
      seen.add(domid)
      return again ? resume : message
    },
  }
})

export const wireDefects: DefectRow[] = [
  ['a reply names no transaction', 'rule 38: a reply', wire(() => ({ reply: (m) => [{ ...m, txId: 0 }] }))],
  ['a body beyond the limit is waited for', 'S1, rule 38: a body of more', wire(() => ({}))],
  [
    'an error has no NUL',
    'rule 39: an error',
    replies(XenStoreOp.Error, (right) => ({ ...right, body: right.body.slice(0, -1) })),
  ],
  ['a type that nobody knows is OK', 'rules 39, 56', pardoned('EINVAL', 'ENOSYS')],
  [
    'blanks become lines',
    'rule 40: a path has letters',
    requests(XenStoreOp.Write, (right) => renamed(right, (path) => path.replace(' ', '_'))),
  ],
  [
    'long paths are cut',
    'rule 40: a relative path',
    requests(XenStoreOp.Write, (right) => renamed(right, (path) => path.slice(0, 2048))),
  ],
  [
    'long paths are cut',
    'rule 40: an absolute path',
    requests(XenStoreOp.Write, (right) => renamed(right, (path) => path.slice(0, 3072))),
  ],
  ['events come before the OK', 'rule 44: the OK', wire(eventsFirst)],
  ['a watch can be there twice', 'rule 44: a watch is', pardoned('EEXIST')],
  [
    'tokens have seven bits',
    'rule 45: an event has',
    replies(XenStoreOp.WatchEvent, (right) => ({ ...right, body: right.body.map((byte) => byte & 0x7f) })),
  ],
  [
    'a watch in a transaction is not there',
    'rule 47: a transaction named',
    requests(XenStoreOp.Watch, (right) => (right.txId === 0 ? right : { ...right, type: XenStoreOp.Unwatch })),
  ],
  [
    'END takes any text',
    'rule 49: TRANSACTION_START',
    requests(XenStoreOp.TransactionEnd, (right) =>
      textsOf(right)[0] === 'F' ? right : { ...right, body: packStrings('T') },
    ),
  ],
  ['what is missing is OK', 'rule 49: a transaction that there', pardoned('ENOENT')],
  ['RELEASE forgets nothing', 'rule 51: a domain is served', kept],
  ['RELEASE forgets nothing', 'S3, rule 53: a domid', kept],
  ['who comes back is taken for who went', 'S3, rule 53: nor is', mistaken],
  ['RELEASE of anybody is OK', 'rule 51: RELEASE of', pardoned('ENOENT')],
  ['a request that lacks arguments is OK', 'rule 51: INTRODUCE', pardoned('EINVAL')],
  ['what is missing is OK', 'rule 51: RESUME', pardoned('ENOENT')],
  [
    'special paths are the control domain’s for ever',
    '@introduceDomain and @releaseDomain are told',
    requests(XenStoreOp.SetPerms, (right) => {
      const [path = '', owner = ''] = textsOf(right)
      return path.startsWith('@') ? { ...right, body: packStrings(path, owner) } : right
    }),
  ],
  [
    'SET_TARGET takes the one for the other',
    'SET_TARGET',
    requests(XenStoreOp.SetTarget, (right) => ({ ...right, body: packStrings(...textsOf(right).reverse()) })),
  ],
]
