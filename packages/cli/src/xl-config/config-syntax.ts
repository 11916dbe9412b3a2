/**
 * What a file in the format of xl.cfg(5) is made of: assignments, each on a line of its own or followed by a semicolon.
 * @see xl.cfg(5) SYNTAX
 */

/** Where something stands; line and column count from 1. */
export interface Place {
  /** The file's name, or what stands for it. */
  readonly source: string
  readonly line: number
  readonly column: number
}

/** A string or a number. Who asks for one takes the other, too, as xl does: `memory = '256'`. */
export interface ConfigAtom {
  readonly kind: 'string' | 'number'
  /** Without quotes and escapes; a number as it is written. */
  readonly text: string
  readonly at: Place
}

/** May be heterogeneous and nested. */
export interface ConfigList {
  readonly kind: 'list'
  readonly items: readonly ConfigValue[]
  readonly at: Place
}

export type ConfigValue = ConfigAtom | ConfigList

/** `KEY=VALUE`, which replaces what the key was given before, or `KEY+=VALUE`, which adds to it. */
export interface Assignment {
  readonly key: string
  readonly operator: '=' | '+='
  readonly value: ConfigValue
  readonly at: Place
}
