/**
 * What can be asked of a running `split-driver machine`. A request is one line of JSON on its control socket, and so is its
 * answer; requests of one connection run side by side. Consoles and XenStore have sockets and protocols of their own, which
 * `about` names: the one of `split-driver consoled`, and XenStore's.
 *
 *     → {"id":1,"do":"destroy","with":{"domain":"mini"}}
 *     ← {"id":1,"ok":true,"result":{}}
 *     ← {"id":1,"ok":false,"code":"ESRCH","message":"there is no domain called \"mini\""}
 */
import * as v from 'valibot'
import { whyReportSchema } from '../why/device-facts.js'
import { diskConfigSchema, domainConfigSchema, domainName } from '../xl-config/domain-config.js'

/** A domain by its name, or by its number. */
const domain = v.pipe(v.string(), v.minLength(1), v.maxLength(256))

const ofDomain = v.strictObject({ domain })
const nothing = v.strictObject({})
const whole = v.pipe(v.number(), v.integer(), v.minValue(0))

const domainLine = v.object({
  domid: whole,
  name: v.string(),
  uuid: v.string(),
  memoryMiB: v.number(),
  vcpus: whole,
  /** As `xl list` prints it: six letters, `-` where one does not apply. */
  state: v.string(),
  shutdownReason: v.optional(v.string()),
  cpuSeconds: v.number(),
  /** What it was created with; the control domain has none. */
  config: v.optional(domainConfigSchema),
})

const vcpuLine = v.object({
  domid: whole,
  name: v.string(),
  vcpu: whole,
  /** Three letters: r running, b blocked, p paused; `---` for one that is down. */
  state: v.string(),
  cpuSeconds: v.number(),
})

const diskLine = v.object({
  ...diskConfigSchema.entries,
  backendPath: v.string(),
  /** XenBus states of the two halves; 0 where a half has none. */
  frontendState: whole,
  backendState: whole,
})

/** Each operation: what it takes and what it gives. Messages are checked against these at both ends. */
export const operations = {
  about: {
    takes: nothing,
    gives: v.object({
      pid: whole,
      version: v.string(),
      /** Unix socket that speaks XenStore's own protocol. */
      xenstoreSocket: v.string(),
      /** Folder of the consoles' sockets. */
      consoleFolder: v.string(),
    }),
  },
  /** Builds a domain with its devices; it runs when this is answered, unless it is to stay paused. */
  create: {
    takes: v.strictObject({ config: domainConfigSchema, paused: v.boolean() }),
    gives: v.object({ domid: whole, name: v.string() }),
  },
  /** Which domain that is. */
  find: { takes: ofDomain, gives: v.object({ domid: whole, name: v.string() }) },
  list: { takes: nothing, gives: v.array(domainLine) },
  'vcpu-list': { takes: nothing, gives: v.array(vcpuLine) },
  /** Nests: a domain runs again after as many `unpause`. */
  pause: { takes: ofDomain, gives: nothing },
  unpause: { takes: ofDomain, gives: nothing },
  /** Answered when the guest has acknowledged the request, or with `wait` when it has stopped and its policy is done. */
  shutdown: {
    takes: v.strictObject({
      domain,
      request: v.picklist(['poweroff', 'reboot']),
      acknowledgeMilliseconds: v.pipe(whole, v.maxValue(3_600_000)),
      wait: v.boolean(),
    }),
    gives: v.object({ reason: v.optional(v.string()) }),
  },
  rename: { takes: v.strictObject({ domain, name: domainName }), gives: nothing },
  destroy: { takes: ofDomain, gives: nothing },
  'block-attach': { takes: v.strictObject({ domain, disk: diskConfigSchema }), gives: nothing },
  /** What guests have written to the machine's own console, which keeps 16 KiB. */
  dmesg: { takes: nothing, gives: v.object({ text: v.string(), droppedBytes: whole }) },
  /** With `force`, whether the guest lets go of it or not. */
  'block-detach': { takes: v.strictObject({ domain, device: v.string(), force: v.boolean() }), gives: nothing },
  'block-list': { takes: ofDomain, gives: v.array(diskLine) },
  /** What its devices wait for, or what one does that is named like `vbd/51712`, `xvda` or `console`. */
  why: {
    takes: v.strictObject({ domain, device: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256))) }),
    gives: whyReportSchema,
  },
} as const

export type Operations = typeof operations

export type OperationName = keyof Operations

export type ArgumentsOf<Name extends OperationName> = v.InferOutput<Operations[Name]['takes']>

export type ResultOf<Name extends OperationName> = v.InferOutput<Operations[Name]['gives']>

export type DomainLine = v.InferOutput<typeof domainLine>

export type VcpuLine = v.InferOutput<typeof vcpuLine>

export type DiskLine = v.InferOutput<typeof diskLine>

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const names = Object.keys(operations) as [OperationName, ...OperationName[]]

export const requestSchema = v.strictObject({ id, do: v.picklist(names), with: v.unknown() })

export type ControlRequest = v.InferOutput<typeof requestSchema>

export const answerSchema = v.variant('ok', [
  v.object({ id, ok: v.literal(true), result: v.unknown() }),
  v.object({ id, ok: v.literal(false), code: v.string(), message: v.string() }),
])

export type ControlAnswer = v.InferOutput<typeof answerSchema>

/** Bytes of a line at most; a domain's configuration has hardly ever more than a few thousand. */
export const MAX_LINE_BYTES = 1 << 20
