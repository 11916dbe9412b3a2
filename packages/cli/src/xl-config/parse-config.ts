import type { ConfigError } from '../config/config-error.js'
import type { Assignment, ConfigValue } from './config-syntax.js'
import { errorAt } from './error-at.js'
import { type Token, tokensOf } from './tokens.js'

/** Lists within lists; xl's own parser runs out of stack much later, and no key needs more than three. */
const MOST_NESTED = 64

/**
 * Reads text in the format of xl.cfg(5).
 * @param source the file's name, for messages
 * @throws ConfigError `FILE:LINE:COLUMN: what was found, and what was expected`, for the first mistake
 */
export const parseConfig = (source: string, text: string): Assignment[] => new Parser(source, text).assignments()

class Parser {
  readonly #tokens: Iterator<Token, void>
  #next: Token

  constructor(source: string, text: string) {
    this.#tokens = tokensOf(source, text)
    this.#next = this.#read()
  }

  assignments(): Assignment[] {
    const found: Assignment[] = []
    while (!this.#accept('end')) {
      if (this.#accept('newline') || this.#accept(';')) continue
      found.push(this.#assignment())
      if (!['newline', ';', 'end'].includes(this.#next.kind)) throw this.#unexpected('the end of the line, or ";"')
    }
    return found
  }

  #assignment(): Assignment {
    const { kind, text: key, at } = this.#next
    if (kind !== 'name') throw this.#unexpected('a key, such as memory')
    this.#advance()
    const operator = this.#accept('+=') ? '+=' : '='
    if (operator === '=' && !this.#accept('=')) throw this.#unexpected('"="')
    return { key, operator, value: this.#value(0), at }
  }

  #value(depth: number): ConfigValue {
    const { kind, text, at } = this.#next
    if (kind === 'string' || kind === 'number') {
      this.#advance()
      return { kind, text, at }
    }
    if (kind !== '[') throw this.#unexpected('a string in quotes, a number or a list')
    if (depth === MOST_NESTED) throw errorAt(at, `lists are nested more than ${MOST_NESTED} deep`)
    this.#advance()
    return { kind: 'list', items: this.#items(depth + 1), at }
  }

  /** A list may go over lines, and may end in a comma. */
  #items(depth: number): ConfigValue[] {
    const items: ConfigValue[] = []
    this.#skipLines()
    while (!this.#accept(']')) {
      items.push(this.#value(depth))
      this.#skipLines()
      if (this.#accept(',')) this.#skipLines()
      else if (this.#next.kind !== ']') throw this.#unexpected('"," or "]"')
    }
    return items
  }

  #skipLines(): void {
    while (this.#accept('newline'));
  }

  #accept(kind: Token['kind']): boolean {
    if (this.#next.kind !== kind) return false
    if (kind !== 'end') this.#advance()
    return true
  }

  #advance(): void {
    this.#next = this.#read()
  }

  /** There is always a next one: nothing is read behind `end`. */
  #read(): Token {
    return this.#tokens.next().value as Token
  }

  #unexpected(expected: string): ConfigError {
    const { kind, text, at } = this.#next
    const found =
      kind === 'end' ? 'the end of the file' : kind === 'newline' ? 'the end of the line' : JSON.stringify(text)
    return errorAt(at, `found ${found}; expected ${expected}`)
  }
}
