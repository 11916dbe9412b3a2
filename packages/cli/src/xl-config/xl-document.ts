import type { ConfigError } from '../config/config-error.js'
import type { Assignment, ConfigAtom, ConfigValue, Place } from './config-syntax.js'
import { errorAt, placeText } from './error-at.js'
import { parseConfig } from './parse-config.js'

/** A key and what it was given in the end. */
interface Setting {
  readonly key: string
  /** Where it was given its value last. */
  readonly at: Place
  readonly value: ConfigValue
}

export interface NumberRange {
  readonly least: number
  readonly most: number
}

/** A configuration by its keys. Remembers where everything stands, and which keys nobody has asked for. */
export class XlDocument {
  readonly file: string
  readonly #settings = new Map<string, Setting>()
  readonly #asked = new Set<string>()

  /**
   * @param overrides `KEY=VALUE` each, as they come on a command line: as if they stood at the file's end
   * @throws ConfigError for what cannot be read
   */
  constructor(file: string, text: string, overrides: readonly string[] = []) {
    this.file = file
    for (const assignment of parseConfig(file, text)) this.#apply(assignment)
    for (const override of overrides)
      for (const assignment of parseConfig(`argument ${JSON.stringify(override)}`, override)) this.#apply(assignment)
  }

  has(key: string): boolean {
    return this.#settings.has(key)
  }

  /** Keys that nobody has asked for, in the order in which they were first given. */
  unasked(): readonly { readonly key: string }[] {
    return [...this.#settings.values()].filter(({ key }) => !this.#asked.has(key))
  }

  /** @throws ConfigError if it is a list */
  string(key: string): string | undefined {
    const value = this.#ask(key)
    if (value === undefined) return undefined
    return this.#atom(key, value).text
  }

  /** Decimal, octal with 0 in front, or hexadecimal with 0x. @throws ConfigError if it is no such number, or out of range */
  number(key: string, { least, most }: NumberRange): number | undefined {
    const value = this.#ask(key)
    if (value === undefined) return undefined
    const { text, at } = this.#atom(key, value)
    const number = parsedNumber(text)
    if (number === undefined || number < least || number > most)
      throw errorAt(at, `"${key}" is ${JSON.stringify(text)}; expected a whole number from ${least} to ${most}`)
    return number
  }

  /** One of `choices`. @throws ConfigError if it is none */
  choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    const text = this.string(key)
    if (text === undefined) return undefined
    const found = choices.find((choice) => choice === text)
    if (found === undefined)
      throw this.errorAt(key, `"${key}" is ${JSON.stringify(text)}; expected one of ${choices.join(', ')}`)
    return found
  }

  /** @throws ConfigError if it is no list, or something in it is one */
  atoms(key: string): readonly ConfigAtom[] {
    const value = this.#ask(key)
    if (value === undefined) return []
    if (value.kind !== 'list') throw errorAt(value.at, `"${key}" is ${JSON.stringify(value.text)}; expected a list`)
    return value.items.map((item) => this.#atom(key, item))
  }

  /** About the value of a key, or about the file if it has none. */
  errorAt(key: string, problem: string): ConfigError {
    const place = this.#settings.get(key)?.value.at
    return errorAt(place ?? { source: this.file, line: 1, column: 1 }, problem)
  }

  /** A line about a key that does not do what one may think. */
  warningAt(key: string, problem: string): string {
    const place = this.#settings.get(key)?.at
    return `${place === undefined ? this.file : placeText(place)}: warning: ${problem}`
  }

  #ask(key: string): ConfigValue | undefined {
    this.#asked.add(key)
    return this.#settings.get(key)?.value
  }

  #atom(key: string, value: ConfigValue): ConfigAtom {
    if (value.kind !== 'list') return value
    throw errorAt(value.at, `"${key}" has a list here; expected a string or a number`)
  }

  #apply({ key, operator, value, at }: Assignment): void {
    const before = operator === '+=' ? this.#settings.get(key)?.value : undefined
    this.#settings.set(key, { key, at, value: before === undefined ? value : added(key, before, value) })
  }
}

/** Strings are joined as they are, lists end to end. */
const added = (key: string, before: ConfigValue, value: ConfigValue): ConfigValue => {
  if (before.kind === 'list' && value.kind === 'list') return { ...value, items: [...before.items, ...value.items] }
  if (before.kind !== 'list' && value.kind !== 'list')
    return { ...value, kind: 'string', text: before.text + value.text }
  const [is, adds] = before.kind === 'list' ? ['a list', 'a string'] : ['a string', 'a list']
  throw errorAt(value.at, `"${key}" is ${is} since ${placeText(before.at)}; ${adds} cannot be added to it`)
}

const parsedNumber = (text: string): number | undefined => {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  return /^(?:0x[0-9a-fA-F]+|0|[1-9]\d*)$/.test(text) ? Number(text) : undefined
}
