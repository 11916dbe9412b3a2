import type { Place } from './config-syntax.js'
import { errorAt } from './error-at.js'
import { EscapeProblem, unescaped } from './quoted-string.js'

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'newline' | 'end' | ',' | '[' | ']' | '=' | '+=' | ';'
  /** A string's is without quotes and escapes. */
  readonly text: string
  readonly at: Place
}

/** Each matches at one place alone; the first that does decides. Blanks and comments are no tokens. */
const PATTERNS: readonly (readonly [kind: Token['kind'] | undefined, pattern: RegExp])[] = [
  [undefined, /[ \t\r]+|#[^\n]*/y],
  ['newline', /\n/y],
  ['name', /[a-z][_0-9a-z]*/y],
  ['number', /[0-9][0-9a-fx]*/y],
  ['string', /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y],
  ['+=', /\+=/y],
  [',', /,/y],
  ['[', /\[/y],
  [']', /\]/y],
  ['=', /=/y],
  [';', /;/y],
]

/** What a message shows of what it does not understand. */
const STRANGE = /['"]?[^\s,;[\]]{0,20}/y

/** The words of a configuration. @see xl.cfg(5) SYNTAX @throws ConfigError for what is none */
export function* tokensOf(source: string, text: string): Generator<Token, void, undefined> {
  let [offset, line, lineStart] = [0, 1, 0]
  const place = (at: number): Place => ({ source, line, column: at - lineStart + 1 })
  while (offset < text.length) {
    const [kind, found] = matchAt(text, offset, place(offset))
    if (kind !== undefined)
      yield {
        kind,
        text: kind === 'string' ? withoutQuotes(found, (inner) => place(offset + inner)) : found,
        at: place(offset),
      }
    offset += found.length
    if (kind === 'newline') [line, lineStart] = [line + 1, offset]
  }
  yield { kind: 'end', text: '', at: place(offset) }
}

const matchAt = (text: string, offset: number, place: Place): readonly [Token['kind'] | undefined, string] => {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = offset
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) return [kind, found]
  }
  throw strange(text, offset, place)
}

const strange = (text: string, offset: number, place: Place) => {
  const first = text[offset]!
  if (first === '"' || first === "'") return errorAt(place, `this string does not end on its line; expected ${first}`)
  STRANGE.lastIndex = offset
  const found = JSON.stringify(STRANGE.exec(text)?.[0] || first)
  if (/[A-Z]/.test(first)) return errorAt(place, `found ${found}; keys are in lower case, and strings in quotes`)
  const python = /[-+.():]/.test(first)
    ? ': this is no Python; values are strings in quotes, whole numbers and lists'
    : ''
  return errorAt(place, `found ${found}, which means nothing here${python}`)
}

const withoutQuotes = (literal: string, placeOf: (offset: number) => Place): string => {
  try {
    return unescaped(literal.slice(1, -1))
  } catch (error) {
    throw error instanceof EscapeProblem ? errorAt(placeOf(error.offset + 1), error.message) : error
  }
}
