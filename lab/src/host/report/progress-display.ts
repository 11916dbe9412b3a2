const refreshMs = 1000
const plainStepMs = 10_000

/** Tells what goes on: on a terminal a line that changes, otherwise whole lines, and never more than one in ten seconds for a download. */
export class ProgressDisplay implements Disposable {
  readonly #live: boolean
  #doing = ''
  #since = 0
  #lastPlain = { what: '', at: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(readonly stream: NodeJS.WriteStream) {
    this.#live = stream.isTTY && process.env['CI'] === undefined
  }

  /** What is being done now. */
  doing(what: string) {
    this.#doing = what
    this.#since = performance.now()
    if (!this.#live) return
    this.#timer ??= setInterval(() => this.#draw(), refreshMs).unref()
    this.#draw()
  }

  /** A share of a long work, 0 to 1. */
  share(what: string, share: number) {
    const line = `${what} ${Math.round(share * 100)} %`
    if (this.#live) return this.doing(line)
    const now = performance.now()
    const kind = what.replace(/[: ].*/, '')
    if (kind === this.#lastPlain.what && now - this.#lastPlain.at < plainStepMs) return
    this.#lastPlain = { what: kind, at: now }
    this.line(line)
  }

  /** A line that stays. */
  line(text: string) {
    this.#clear()
    this.stream.write(`${text}\n`)
    if (this.#live && this.#doing !== '') this.#draw()
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#clear()
    this.#doing = ''
  }

  #draw() {
    const seconds = Math.round((performance.now() - this.#since) / 1000)
    const line = `${this.#doing}${seconds > 0 ? ` (${seconds} s)` : ''}`
    this.stream.write(`\r\x1b[K${line.slice(0, (this.stream.columns || 80) - 1)}`)
  }

  #clear() {
    if (this.#live) this.stream.write('\r\x1b[K')
  }
}
