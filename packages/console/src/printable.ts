/** Characters of one escape sequence after which its text is taken for ordinary output again: no sequence hides a log. */
const SEQUENCE_LIMIT = 256

const ESC = 0x1b
const BEL = 0x07
const CAN = 0x18
const SUB = 0x1a
const CSI_C1 = 0x9b
const ST_C1 = 0x9c

/** DCS, SOS, OSC, PM and APC begin a string that lasts until ST. @see ECMA-48 section 5.6 */
const beginsString = (final: number): boolean =>
  final === 0x50 || final === 0x58 || final === 0x5d || final === 0x5e || final === 0x5f

/** Marks that reorder the text around them, so that it reads as something else. */
const isBidiControl = (code: number): boolean =>
  (code >= 0x202a && code <= 0x202e) ||
  (code >= 0x2066 && code <= 0x2069) ||
  code === 0x200e ||
  code === 0x200f ||
  code === 0x061c

const isControl = (code: number): boolean => code < 0x20 || (code >= 0x7f && code < 0xa0) || isBidiControl(code)

type State = 'text' | 'escape' | 'csi' | 'string' | 'string-escape'

/**
 * Makes a guest's raw output safe to show: escape sequences and control characters are taken out, TAB stays, and each of
 * CR LF, LF and CR alone becomes one LF. Bytes that are no UTF-8 become U+FFFD. Keeps its state between chunks, so a
 * sequence, a character or a line end may be cut anywhere; its memory does not grow.
 */
export class PrintableText {
  readonly #decoder = new TextDecoder()
  #state: State = 'text'
  #length = 0
  #afterReturn = false

  /** What of the next bytes of output can be shown. */
  push(chunk: Uint8Array): string {
    return this.#render(this.#decoder.decode(chunk, { stream: true }))
  }

  /** What remains when the output has ended. */
  end(): string {
    return this.#render(this.#decoder.decode())
  }

  #render(text: string): string {
    let shown = ''
    for (let i = 0; i < text.length; i++) shown += this.#show(text.charCodeAt(i))
    return shown
  }

  #show(code: number): string {
    const feedAfterReturn = this.#afterReturn && code === 0x0a
    this.#afterReturn = code === 0x0d
    if (feedAfterReturn) return ''
    if (code === 0x0a || code === 0x0d) {
      this.#state = 'text'
      return '\n'
    }
    if (code === CAN || code === SUB) {
      this.#state = 'text'
      return ''
    }
    if (this.#state === 'text') return this.#showText(code)
    if (++this.#length > SEQUENCE_LIMIT) this.#state = 'text'
    else this.#skip(code)
    return ''
  }

  #showText(code: number): string {
    if (code === ESC) this.#begin('escape')
    else if (code === CSI_C1) this.#begin('csi')
    else if (code >= 0x80 && code < 0xa0 && beginsString(code - 0x40)) this.#begin('string')
    else if (code === 0x09 || !isControl(code)) return String.fromCharCode(code)
    return ''
  }

  /** One character of a sequence. */
  #skip(code: number): void {
    if (this.#state === 'escape') {
      if (code === 0x5b) this.#state = 'csi'
      else if (beginsString(code)) this.#state = 'string'
      else if (code < 0x20 || code > 0x2f) this.#state = code === ESC ? 'escape' : 'text'
    } else if (this.#state === 'csi') {
      if (code === ESC) this.#state = 'escape'
      else if (code >= 0x40) this.#state = 'text'
    } else if (code === BEL || code === ST_C1) this.#state = 'text'
    else if (this.#state === 'string-escape') this.#state = code === 0x5c ? 'text' : 'string'
    else if (code === ESC) this.#state = 'string-escape'
  }

  #begin(state: State): void {
    this.#state = state
    this.#length = 0
  }
}

/** A whole log as text that is safe to show on a terminal. */
export const printable = (log: Uint8Array): string => {
  const text = new PrintableText()
  return text.push(log) + text.end()
}
