/** What a disk specification says. @see xl-disk-configuration(5) */
export interface DiskSpec {
  /** Empty for a cdrom drive without a disc. */
  readonly target: string
  readonly format: DiskFormat
  readonly vdev: string
  readonly access: 'r' | 'w'
  readonly cdrom: boolean
  readonly backend: string | undefined
  readonly backendType: string | undefined
  readonly script: string | undefined
  readonly specification: string | undefined
  /** Flags that are set, by their names: `direct-io-safe`, `no-discard`, `untrusted` … */
  readonly flags: readonly string[]
}

export const diskFormats = ['raw', 'qcow', 'qcow2', 'vhd', 'qed', 'empty'] as const

export type DiskFormat = (typeof diskFormats)[number]

/** A disk specification that makes no sense; says why. */
export class DiskSpecError extends Error {
  override readonly name = 'DiskSpecError'
}

const FLAGS = [
  ['cdrom'],
  ['direct-io-safe'],
  ['discard', 'no-discard'],
  ['trusted', 'untrusted'],
  ['colo', 'no-colo'],
] as const

const DEVICE_TYPES = ['cdrom', 'disk']
const BACKEND_TYPES = ['phy', 'qdisk', 'standalone', 'tap']
const SPECIFICATIONS = ['xen', 'virtio']
const ACCESS: Readonly<Record<string, 'r' | 'w'>> = { r: 'r', ro: 'r', w: 'w', rw: 'w', '': 'w' }

/** Parameters that take any value. */
const FREE_PARAMETERS = ['backend', 'script', 'colo-host', 'colo-port', 'colo-export', 'active-disk', 'hidden-disk']

/** Before a target in the form that xend had: the format, the script, or nothing that still matters. */
const PREFIX = /^(?:(raw|qcow2?|vhd)|(iscsi|e?nbd|drbd)|tapdisk|tap2?|aio|ioemu|file|phy):/
const UNKNOWN_PREFIX = /^([a-z][a-z0-9]*):(?![a-z0-9])/

/**
 * Reads a disk specification: positional, by name, or as xend had it. Several are read one after the other, as `xl
 * block-attach` has them.
 * @throws DiskSpecError
 */
export const parseDiskSpec = (...parts: readonly string[]): DiskSpec => {
  const parser = new DiskSpecParser()
  for (const part of parts) parser.read(part)
  return parser.result()
}

class DiskSpecParser {
  readonly #values = new Map<string, string>()
  readonly #flags = new Set<string>()
  #deprecated = false

  read(text: string): void {
    let rest = text
    for (;;) {
      rest = rest.replace(/^[ \t\n]+/, '')
      if (rest === '') return
      if (rest.startsWith('target=')) {
        this.#set('target', rest.slice('target='.length))
        return
      }
      rest = this.#prefix(rest) ?? this.#parameter(rest)
    }
  }

  result(): DiskSpec {
    const get = (name: string) => this.#values.get(name) ?? ''
    const cdrom = this.#flags.has('cdrom') || get('devtype') === 'cdrom'
    if (get('vdev') === '') throw new DiskSpecError('names no virtual device (vdev), such as xvda')
    if (get('target') === '' && !cdrom) throw new DiskSpecError('names no target: only a cdrom drive may be empty')
    const said = (name: string) => (get(name) === '' ? undefined : get(name))
    return {
      target: get('target'),
      format: get('target') === '' ? 'empty' : ((said('format') ?? 'raw') as DiskFormat),
      vdev: get('vdev'),
      access: cdrom ? 'r' : ACCESS[get('access')]!,
      cdrom,
      backend: said('backend'),
      backendType: said('backendtype'),
      script: said('script'),
      specification: said('specification'),
      flags: [...this.#flags].filter((flag) => flag !== 'cdrom'),
    }
  }

  /** @returns what is behind it, or undefined if there is no such prefix */
  #prefix(text: string): string | undefined {
    const [prefix, format, script] = PREFIX.exec(text) ?? []
    if (prefix === undefined) {
      const unknown = UNKNOWN_PREFIX.exec(text)?.[1]
      // `hdc:cdrom` has a colon, too, with a word behind it.
      if (unknown !== undefined) throw new DiskSpecError(`begins with the prefix "${unknown}:", which there is not`)
      return undefined
    }
    this.#deprecated = true
    if (format !== undefined) this.#set('format', format)
    if (script !== undefined) this.#set('script', `block-${script}`)
    return text.slice(prefix.length)
  }

  #parameter(text: string): string {
    const end = text.indexOf(',')
    const parameter = end < 0 ? text : text.slice(0, end)
    const equals = parameter.indexOf('=')
    if (equals >= 0) this.#named(parameter.slice(0, equals), parameter.slice(equals + 1))
    else if (!this.#flag(parameter)) this.#positional(parameter)
    return end < 0 ? '' : text.slice(end + 1)
  }

  #named(name: string, value: string): void {
    this.#expectValue(name, value)
    this.#set(name, value)
  }

  #expectValue(name: string, value: string): void {
    const choices: Readonly<Record<string, readonly string[]>> = {
      format: ['', ...diskFormats],
      access: Object.keys(ACCESS),
      devtype: DEVICE_TYPES,
      backendtype: BACKEND_TYPES,
      specification: SPECIFICATIONS,
      grant_usage: ['0', '1'],
    }
    const allowed = Object.hasOwn(choices, name) ? choices[name] : undefined
    if (allowed === undefined && name !== 'vdev' && !FREE_PARAMETERS.includes(name))
      throw new DiskSpecError(`has the parameter "${name}", which there is not`)
    if (allowed !== undefined && !allowed.includes(value))
      throw new DiskSpecError(`says ${name}=${value}; expected one of ${allowed.filter(Boolean).join(', ')}`)
  }

  #flag(name: string): boolean {
    const group = FLAGS.find((names) => names.some((known) => known === name))
    if (group === undefined) return false
    // The last one said counts, as in xl.
    for (const other of group) this.#flags.delete(other)
    this.#flags.add(name)
    return true
  }

  /** Goes to the first of target, format, vdev and access that has not been said. */
  #positional(text: string): void {
    if (!this.#values.has('target')) this.#set('target', text)
    else if (!this.#deprecated && !this.#values.has('format')) this.#formatOrEmptyDrive(text)
    else if (!this.#values.has('vdev')) this.#vdev(text)
    else if (!this.#values.has('access')) this.#named('access', text)
    else throw new DiskSpecError(`has one thing too many: "${text}"`)
  }

  /** `,hdc:cdrom,r` has no format: xend's way to say an empty drive. */
  #formatOrEmptyDrive(text: string): void {
    if (this.#values.get('target') === '' && text.includes(':')) {
      this.#set('format', 'empty')
      this.#vdev(text)
    } else this.#named('format', text)
  }

  #vdev(text: string): void {
    const colon = text.lastIndexOf(':')
    if (colon >= 0) this.#named('devtype', text.slice(colon + 1))
    this.#set('vdev', colon < 0 ? text : text.slice(0, colon))
  }

  /** Said twice is a mistake, unless it was empty, or is the same. */
  #set(name: string, value: string): void {
    const before = this.#values.get(name)
    if (before && before !== value) throw new DiskSpecError(`says ${name} twice: "${before}" and "${value}"`)
    this.#values.set(name, value)
  }
}
