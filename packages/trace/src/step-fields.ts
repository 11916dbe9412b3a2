/** What the fields of a step hold; a field means the same in every step that has it. */
export interface FieldTypes {
  /** A port of the domain whose step it is. */
  port: number
  remoteDomid: number
  /** The other end's port, as its own domain calls it. */
  remotePort: number
  virq: number
  /** Of a delivery: `worked` or `spurious`; of a XenStore request or a transaction: `ok` or the error's code. */
  outcome: string
  /** Joins the step that began holding pages with the one that ended it; counts up over all that a recorder sees. */
  held: number
  /** `read-only` or `writable`. */
  access: string
  /** One a page. */
  refs: readonly number[]
  ref: number
  /** Bytes from the start of the page. */
  offset: number
  byteLength: number
  /** Pages that the peer had not let go yet. */
  pagesHeld: number
  /** Byte that is cleared when the pages are let go; −1 for none. */
  clearByte: number
  /** What was asked for, by the name of the method. */
  operation: string
  /** The error's code. */
  error: string
  /** Which ring, as this domain sees it: each end has a number of its own. */
  ring: number
  /** Which of the ring's shared indices: `reqProd`, `rspProd`, `outCons` … */
  index: string
  /** Value of an index before, a u32. */
  from: number
  /** Value of an index now, a u32. */
  to: number
  /** How far an index went: entries of a request ring, bytes of a byte ring. */
  count: number
  /** Index at which the other end asked to be woken, a u32. */
  event: number
  /** Must the other end be notified? */
  notify: boolean
  /** The request's id; a bigint where it is no safe integer. */
  id: number | bigint
  /** The request's operation as its protocol numbers it. */
  op: number
  /** The response's status as its protocol numbers it. */
  status: number
  /** Joins a XenStore request with its reply; counts up over all that a recorder sees. */
  call: number
  /** 0 outside of any transaction. */
  transaction: number
  path: string
  /** The path that the watch is on. */
  watched: string
  /** What was written or read, its first characters; empty where there is nothing to show. */
  value: string
  /** How often the body of a transaction ran. */
  attempts: number
}

/**
 * Every kind of step and its fields, in the order in which they are recorded and printed.
 *
 * `ring.publish` is an index that this domain wrote, `ring.see` one of the other end's that it found changed, `ring.ask` an
 * event index that it set, `ring.decide` whether a publication must wake the other end. `put` and `take` are of single
 * entries, where the recorder knows the device's layout.
 */
export const STEP_FIELDS = {
  'event.bind-unbound': ['port', 'remoteDomid'],
  'event.bind-interdomain': ['port', 'remoteDomid', 'remotePort'],
  'event.bind-virq': ['port', 'virq'],
  'event.bind-ipi': ['port'],
  'event.notify': ['port'],
  'event.deliver': ['port'],
  'event.eoi': ['port', 'outcome'],
  'event.mask': ['port'],
  'event.unmask': ['port'],
  'event.unbind': ['port'],
  'event.failed': ['operation', 'error'],

  'grant.share': ['held', 'remoteDomid', 'access', 'refs'],
  'grant.unshare': ['held', 'pagesHeld'],
  'grant.reclaim': ['pagesHeld'],
  'grant.map': ['held', 'remoteDomid', 'access', 'refs'],
  'grant.unmap': ['held'],
  'grant.copy-from': ['remoteDomid', 'ref', 'offset', 'byteLength'],
  'grant.copy-to': ['remoteDomid', 'ref', 'offset', 'byteLength'],
  'grant.notify-on-unmap': ['held', 'clearByte', 'port'],
  'grant.failed': ['operation', 'remoteDomid', 'error'],

  'ring.publish': ['ring', 'index', 'from', 'to', 'count'],
  'ring.see': ['ring', 'index', 'from', 'to', 'count'],
  'ring.ask': ['ring', 'index', 'to'],
  'ring.decide': ['ring', 'index', 'event', 'notify'],
  'ring.put-request': ['ring', 'id', 'op'],
  'ring.take-request': ['ring', 'id', 'op'],
  'ring.put-response': ['ring', 'id', 'op', 'status'],
  'ring.take-response': ['ring', 'id', 'op', 'status'],

  'xenstore.request': ['call', 'transaction', 'operation', 'path', 'value'],
  'xenstore.reply': ['call', 'outcome', 'value'],
  'xenstore.watch-event': ['path', 'watched'],
  'xenstore.transaction-start': ['transaction'],
  'xenstore.transaction-end': ['transaction', 'attempts', 'outcome'],
} as const satisfies Record<string, readonly (keyof FieldTypes)[]>

export type StepName = keyof typeof STEP_FIELDS

/** What is recorded of a step, in the order of its fields. */
export type StepValues<N extends StepName> = ValuesOf<(typeof STEP_FIELDS)[N]>

type ValuesOf<Names extends readonly (keyof FieldTypes)[]> = {
  -readonly [Place in keyof Names]: FieldTypes[Names[Place]]
}

/** A step's fields by their names. */
export type StepFields<N extends StepName> = {
  readonly [Name in (typeof STEP_FIELDS)[N][number]]: FieldTypes[Name]
}
