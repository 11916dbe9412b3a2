import * as v from 'valibot'

const whole = v.pipe(v.number(), v.integer(), v.minValue(0))

const half = v.object({
  domid: whole,
  path: v.string(),
  /** A XenbusState; 0 where there is none. */
  state: whole,
  /** What its error node says. */
  error: v.optional(v.string()),
})

const end = v.object({
  domid: whole,
  port: whole,
  is: v.picklist(['unbound', 'interdomain', 'virq', 'ipi']),
  /** An event that its domain has not been told of yet. */
  pending: v.boolean(),
  /** Told of an event, and not through with it; or nobody listens. */
  masked: v.boolean(),
})

/** The four shared indices of a ring of requests and responses, as they stand in its page. */
const requestRing = v.object({
  kind: v.literal('requests'),
  reqProd: whole,
  reqEvent: whole,
  rspProd: whole,
  rspEvent: whole,
  /** Unless the device's layout is known. */
  slots: v.optional(whole),
  /** Published requests without a response. More than `slots`: the ring is broken. */
  unanswered: whole,
  /**
   * The ids in the slots that no response has taken yet. Those are the unanswered requests if they are answered in order; else
   * one of them may have its answer, and an older one's slot is gone.
   */
  ids: v.array(v.string()),
})

/** Two directions of bytes. */
const byteRing = v.object({
  kind: v.literal('bytes'),
  /** Bytes that the frontend wrote and the backend has not read, and how many there can be. */
  toBackend: whole,
  toBackendBytes: whole,
  toFrontend: whole,
  toFrontendBytes: whole,
})

const grant = v.object({
  ref: whole,
  holders: v.array(v.object({ domid: whole, access: v.picklist(['read-only', 'writable']) })),
})

/** What can be seen of one device from outside. What is missing is not there, or the guest's keys make no sense. */
export const deviceFactsSchema = v.object({
  /** `vbd/51712`, `console`, `xenstore` */
  device: v.string(),
  /** `xvda` */
  alias: v.optional(v.string()),
  /** The two halves that XenBus brings together; the start-of-day rings have none. */
  frontend: v.optional(half),
  backend: v.optional(half),
  /** The two ends of the event channel. */
  frontendPort: v.optional(end),
  backendPort: v.optional(end),
  ring: v.optional(v.variant('kind', [requestRing, byteRing])),
  /** The grants of the ring's pages. */
  ringGrants: v.array(grant),
  /** The frontend's other grants to the backend's domain: of all its devices there. */
  otherGrants: v.object({ count: whole, mapped: whole }),
})

export type DeviceFacts = v.InferOutput<typeof deviceFactsSchema>

export type Half = v.InferOutput<typeof half>
export type PortFacts = v.InferOutput<typeof end>
export type RequestRing = v.InferOutput<typeof requestRing>
export type ByteRingFacts = v.InferOutput<typeof byteRing>
export type RingGrant = v.InferOutput<typeof grant>

/** A device and, in a sentence or two, what it waits for. */
export const deviceReportSchema = v.object({ ...deviceFactsSchema.entries, waitsFor: v.string() })

export type DeviceReport = v.InferOutput<typeof deviceReportSchema>

/** Of the domain whose devices they are. */
export const whyReportSchema = v.object({
  domid: whole,
  name: v.string(),
  /** As `xl list` prints it. */
  state: v.string(),
  devices: v.array(deviceReportSchema),
})

export type WhyReport = v.InferOutput<typeof whyReportSchema>
