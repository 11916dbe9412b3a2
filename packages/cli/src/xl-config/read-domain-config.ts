import { dirname, resolve } from 'node:path'
import { diskConfig } from './disk-config.js'
import { DiskSpecError } from './disk-spec.js'
import {
  type DiskConfig,
  type DomainConfig,
  domainRanges,
  isDomainName,
  isUuid,
  NAME_RULE,
  type ShutdownAction,
  shutdownActions,
} from './domain-config.js'
import { errorAt } from './error-at.js'
import { XlDocument } from './xl-document.js'
import { unsupportedKeys } from './xl-keys.js'

/** MiB of a domain whose configuration does not say, as libxl has it. */
const DEFAULT_MEMORY = 32

export interface ReadDomainConfig {
  readonly config: DomainConfig
  /** What has no effect here, one line each. */
  readonly warnings: readonly string[]
}

/**
 * A domain as a file in the format of xl.cfg(5) describes it. `kernel` is the path of a JavaScript module; relative paths
 * begin at the file's own folder.
 * @param overrides `KEY=VALUE` each, as if they stood at the file's end
 * @throws ConfigError for the first mistake, with file, line and column
 */
export const readDomainConfig = (file: string, text: string, overrides: readonly string[] = []): ReadDomainConfig => {
  const document = new XlDocument(file, text, overrides)
  const folder = dirname(resolve(file))
  const typed = typeWarnings(document)
  const number = (key: string, range: keyof typeof domainRanges) => document.number(key, domainRanges[range])
  const limits = {
    maxEventChannels: number('max_event_channels', 'eventChannels'),
    maxGrantFrames: number('max_grant_frames', 'grantFrames'),
    maxMaptrackFrames: number('max_maptrack_frames', 'maptrackFrames'),
    uuid: uuidOf(document),
  }
  const config: DomainConfig = {
    name: nameOf(document),
    kernel: resolve(folder, kernelOf(document)),
    commandLine: commandLineOf(document),
    memoryMiB: memoryOf(document),
    vcpus: number('vcpus', 'vcpus') ?? 1,
    disks: disksOf(document, folder),
    ...actionsOf(document),
    ...given(limits),
  }
  return { config, warnings: [...typed, ...ignoredKeys(document)] }
}

/** The entries that have a value. */
const given = <Values extends object>(values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Values]?: Exclude<Values[Key], undefined>
  }

/** A PVH guest finds the same rings by another way; one with emulated hardware finds nothing here. */
const typeWarnings = (document: XlDocument): string[] => {
  const builder = document.choice('builder', ['generic', 'linux', 'hvm'])
  const type = document.choice('type', ['pv', 'pvh', 'hvm'])
  if ((type ?? builder) === 'hvm')
    throw document.errorAt(
      type === undefined ? 'builder' : 'type',
      'this machine has no emulated hardware; expected type="pv"',
    )
  if (type !== 'pvh') return []
  return [document.warningAt('type', 'the domain runs as a paravirtual one, type="pv"')]
}

const nameOf = (document: XlDocument): string => {
  const name = document.string('name')
  if (name === undefined) throw document.errorAt('name', `"name" is missing; expected the domain's name`)
  if (isDomainName(name)) return name
  throw document.errorAt('name', `"name" is ${JSON.stringify(name)}; expected ${NAME_RULE}`)
}

const kernelOf = (document: XlDocument): string => {
  const kernel = document.string('kernel')
  if (kernel !== undefined && kernel !== '') return kernel
  throw document.errorAt('kernel', '"kernel" is missing; expected a JavaScript module that exports "program"')
}

const uuidOf = (document: XlDocument): string | undefined => {
  const uuid = document.string('uuid')?.toLowerCase()
  if (uuid === undefined || isUuid(uuid)) return uuid
  throw document.errorAt('uuid', `"uuid" is ${JSON.stringify(uuid)}; expected 32 hexadecimal digits as 8-4-4-4-12`)
}

/** `cmdline` alone, or `root` and `extra` together. */
const commandLineOf = (document: XlDocument): string => {
  const [cmdline, root, extra] = ['cmdline', 'root', 'extra'].map((key) => document.string(key))
  const rooted = root === undefined ? extra : `root=${root}${extra === undefined ? '' : ` ${extra}`}`
  const line = cmdline ?? rooted ?? ''
  if (Buffer.byteLength(line) <= 1023) return line
  const key = cmdline !== undefined ? 'cmdline' : extra !== undefined ? 'extra' : 'root'
  throw document.errorAt(key, `the command line has ${Buffer.byteLength(line)} bytes; expected at most 1023`)
}

/** There is no balloon: a domain has from the first what it may ever have. */
const memoryOf = (document: XlDocument): number => {
  const most = document.number('maxmem', domainRanges.memory)
  const memory = document.number('memory', domainRanges.memory) ?? most ?? DEFAULT_MEMORY
  if (most !== undefined && most < memory)
    throw document.errorAt('maxmem', `"maxmem" is ${most}; expected at least as much as "memory", ${memory}`)
  return memory
}

const disksOf = (document: XlDocument, folder: string): DiskConfig[] => {
  const disks: DiskConfig[] = []
  for (const { text, at } of document.atoms('disk')) {
    const disk = readDisk(text, folder, (problem) => errorAt(at, `the disk ${JSON.stringify(text)} ${problem}`))
    if (disks.some(({ virtualDevice }) => virtualDevice === disk.virtualDevice))
      throw errorAt(at, `the domain has two disks ${disk.vdev}; expected one`)
    disks.push(disk)
  }
  return disks
}

const readDisk = (text: string, folder: string, refuse: (problem: string) => Error): DiskConfig => {
  try {
    return diskConfig([text], folder)
  } catch (error) {
    throw error instanceof DiskSpecError ? refuse(error.message) : error
  }
}

const actionsOf = (document: XlDocument) => {
  const action = (key: string): ShutdownAction | undefined => document.choice(key, shutdownActions)
  return {
    onPoweroff: action('on_poweroff') ?? 'destroy',
    onReboot: action('on_reboot') ?? 'restart',
    onCrash: action('on_crash') ?? 'destroy',
    onWatchdog: action('on_watchdog') ?? 'destroy',
  }
}

const ignoredKeys = (document: XlDocument): string[] =>
  document.unasked().map(({ key }) => {
    const reason = unsupportedKeys.has(key)
      ? `"${key}" has no effect on this machine`
      : `"${key}" is no key of xl.cfg(5): it is ignored`
    return document.warningAt(key, reason)
  })
