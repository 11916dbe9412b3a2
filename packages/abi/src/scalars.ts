/** A number that carries its meaning in its type: a port cannot be passed where a grant reference is wanted. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }

/** Identifies a domain; 15 bits. @see xen/include/public/xen.h domid_t */
export type Domid = Brand<number, 'Domid'>

/** A domain's local name for one end of an event channel; never 0. @see event_channel.h evtchn_port_t */
export type Port = Brand<number, 'Port'>

/** Index into the granting domain's grant table. @see grant_table.h grant_ref_t */
export type GrantRef = Brand<number, 'GrantRef'>

/** Machine frame number: which 4 KiB page of the machine. */
export type FrameNumber = Brand<number, 'FrameNumber'>

/** One of xen.h's VIRQ_* numbers. */
export type Virq = Brand<number, 'Virq'>

/** First domid that names no ordinary domain. @see xen.h DOMID_FIRST_RESERVED */
export const DOMID_FIRST_RESERVED = 0x7ff0

/** "Myself", where a call accepts it in place of a domid. @see xen.h DOMID_SELF */
export const DOMID_SELF = 0x7ff0 as Domid

/** The control domain, where the backends usually live. */
export const DOM0 = 0 as Domid

/** Virtual interrupts of Xen, the architecture's own ones included. @see xen.h NR_VIRQS */
export const NR_VIRQS = 24

/** @see xen.h VIRQ_TIMER … */
export const VIRQ = {
  Timer: 0 as Virq,
  Debug: 1 as Virq,
  Console: 2 as Virq,
  DomExc: 3 as Virq,
  Xenoprof: 7 as Virq,
  ConRing: 8 as Virq,
  Xenpmu: 13 as Virq,
} as const

const within = (value: number, limit: number, what: string): number => {
  if (Number.isInteger(value) && value >= 0 && value < limit) return value
  throw new RangeError(`${what} must be an integer from 0 to ${limit - 1}, not ${value}`)
}

/** @throws RangeError outside 0 … 0x7fef, or for anything but DOMID_SELF above that. */
export const domid = (value: number): Domid =>
  (value === DOMID_SELF ? value : within(value, DOMID_FIRST_RESERVED, 'a domid')) as Domid

/** @throws RangeError for 0 (never a valid port) and beyond the FIFO ABI's 131,072 ports. */
export const port = (value: number): Port => {
  if (value === 0) throw new RangeError('port 0 is never valid (event_channel.h)')
  return within(value, 131_072, 'a port') as Port
}

/** @throws RangeError unless a u32. */
export const grantRef = (value: number): GrantRef => within(value, 2 ** 32, 'a grant reference') as GrantRef

/** @throws RangeError unless a u32. */
export const frameNumber = (value: number): FrameNumber => within(value, 2 ** 32, 'a frame number') as FrameNumber
