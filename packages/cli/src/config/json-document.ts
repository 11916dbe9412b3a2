import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import { ConfigError } from './config-error.js'

/** Where in a document something is: the keys and indices that lead there. */
export type DocumentPath = readonly (string | number)[]

/** Characters of what was found that a message shows. */
const SHOWN = 60

/** JSON with comments and trailing commas that remembers on which line everything stands. */
export class JsonDocument {
  readonly file: string
  readonly value: unknown
  readonly #text: string
  readonly #root: Node

  /** @throws ConfigError for text that cannot be read, or that gives one key twice */
  constructor(file: string, text: string) {
    this.file = file
    this.#text = text
    const errors: ParseError[] = []
    const root = parseTree(text, errors, { allowTrailingComma: true })
    if (errors[0] !== undefined) throw this.#syntaxError(errors[0])
    // The parser reports an error for every text without a value.
    if (root === undefined) throw new ConfigError(file, 'holds no value')
    this.#root = root
    this.#refuseTwice(root)
    this.value = getNodeValue(root)
  }

  /** An error about what is at `path`, or about the place where it should be. */
  errorAt(path: DocumentPath, problem: string): ConfigError {
    return new ConfigError(`${this.file}:${this.#lineAt(this.#offsetOf(path))}`, problem)
  }

  #syntaxError({ error, offset, length }: ParseError): ConfigError {
    const what = printParseErrorCode(error)
      .replace(/\B[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
      .toLowerCase()
    const found = this.#text.slice(offset, offset + Math.max(length, 1)).trim()
    const place = `${this.file}:${this.#lineAt(offset)}`
    return new ConfigError(place, `${what}, found ${found === '' ? 'the end of the file' : shown(found)}`)
  }

  #refuseTwice(node: Node): void {
    const seen = new Set<unknown>()
    for (const child of node.children ?? []) {
      const key = child.type === 'property' ? child.children?.[0] : undefined
      if (key !== undefined && seen.has(key.value)) {
        const place = `${this.file}:${this.#lineAt(key.offset)}`
        throw new ConfigError(place, `the key ${shown(key.value)} is given twice; expected it once`)
      }
      seen.add(key?.value)
      this.#refuseTwice(child)
    }
  }

  #offsetOf(path: DocumentPath): number {
    for (let length = path.length; length > 0; length--) {
      const node = findNodeAtLocation(this.#root, path.slice(0, length))
      if (node !== undefined) return (node.parent?.type === 'property' ? node.parent : node).offset
    }
    return this.#root.offset
  }

  /** Counted from 1. */
  #lineAt(offset: number): number {
    return this.#text.slice(0, offset).split('\n').length
  }
}

/** A value as a message shows it: on one line, and not endless. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}
