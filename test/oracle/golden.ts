import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the oracle says of one field; a value only for a scalar (in decimal) and for a string. */
export interface GoldenField {
  readonly name: string
  readonly offset: number
  readonly size: number
  readonly value?: string
}

export interface GoldenLayout {
  readonly size: number
  readonly fields: readonly GoldenField[]
  /** In hexadecimal: an example in which each field holds its value. */
  readonly bytes: string
}

export type GoldenLayouts = Readonly<Record<string, GoldenLayout>>

export type GoldenConstants = Readonly<Record<string, number>>

/** A part that has both: the device nodes of Linux, a guest's hypercalls, the block protocol of one machine ABI. */
export interface GoldenPart {
  readonly layouts: GoldenLayouts
  readonly constants: GoldenConstants
}

export interface Golden {
  readonly machine: { readonly layouts: GoldenLayouts }
  readonly constants: { readonly constants: GoldenConstants; readonly xsd_errors: readonly string[] }
  readonly privcmd: GoldenPart
  readonly guest: GoldenPart
  readonly 'x86_64-abi': GoldenPart
  readonly 'x86_32-abi': GoldenPart
}

/** What `npm run oracle` wrote. */
export const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8')) as Golden
