import * as v from 'valibot'

/** What becomes of a domain that has ended. @see xl.cfg(5) "Event Actions" */
export const shutdownActions = [
  'destroy',
  'restart',
  'rename-restart',
  'preserve',
  'coredump-destroy',
  'coredump-restart',
] as const

export type ShutdownAction = (typeof shutdownActions)[number]

/** Bounds of what a domain can be given. */
export const domainRanges = {
  /** MiB. */
  memory: { least: 1, most: 4095 },
  vcpus: { least: 1, most: 32 },
  eventChannels: { least: 1, most: 131_071 },
  grantFrames: { least: 1, most: 256 },
  maptrackFrames: { least: 1, most: 1024 },
} as const

/** Names that xl takes, too, and that cannot be mistaken for a domain's number. */
const NAME = /^(?!\d+$)[^\p{Cc}/\s][^\p{Cc}/]{0,127}$/u

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

const numberIn = ({ least, most }: { readonly least: number; readonly most: number }) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))

/** What a message says of names. */
export const NAME_RULE = 'up to 128 characters without "/" and control characters, and not a number alone'

export const domainName = v.pipe(v.string(), v.regex(NAME, `expected ${NAME_RULE}`))

const action = v.picklist(shutdownActions)

export const diskConfigSchema = v.strictObject({
  /** Absolute path of the image. */
  target: v.pipe(v.string(), v.startsWith('/')),
  /** The guest's name of the disk, `xvda`; a number in decimal where it has none. */
  vdev: v.string(),
  /** `virtual-device` in XenStore. */
  virtualDevice: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0x1fff_ffff)),
  mode: v.picklist(['r', 'w']),
  cdrom: v.boolean(),
})

/** One disk of a domain. */
export type DiskConfig = v.InferOutput<typeof diskConfigSchema>

export const domainConfigSchema = v.strictObject({
  name: domainName,
  /** Lower case. */
  uuid: v.optional(v.pipe(v.string(), v.regex(UUID))),
  /** Absolute path of a JavaScript module that exports a guest's code as `program`. */
  kernel: v.pipe(v.string(), v.startsWith('/')),
  commandLine: v.pipe(v.string(), v.maxBytes(1023)),
  memoryMiB: numberIn(domainRanges.memory),
  vcpus: numberIn(domainRanges.vcpus),
  disks: v.array(diskConfigSchema),
  onPoweroff: action,
  onReboot: action,
  onCrash: action,
  onWatchdog: action,
  maxEventChannels: v.optional(numberIn(domainRanges.eventChannels)),
  maxGrantFrames: v.optional(numberIn(domainRanges.grantFrames)),
  maxMaptrackFrames: v.optional(numberIn(domainRanges.maptrackFrames)),
})

/** All that a machine must know to build a domain. */
export type DomainConfig = v.InferOutput<typeof domainConfigSchema>

export const isDomainName = (text: string): boolean => NAME.test(text)

export const isUuid = (text: string): boolean => UUID.test(text)
