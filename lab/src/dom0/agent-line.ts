import { FRAME_MARK, KERNEL_MARK } from '../guest/guest-init.js'

/** A byte stream to a guest's console, and what the guest writes there. */
export interface ConsoleLine extends Disposable {
  write(text: string): void
  /** Calls back with all that comes; one handler, set before anything can come. */
  onText(handler: (text: string) => void): void
  /** The guest, or the daemon that serves its console, is gone; one handler. */
  onEnd(handler: () => void): void
}

export interface CommandAnswer {
  readonly status: number
  /** Standard output and standard error. */
  readonly output: string
}

/** Lines of the kernel's log that are kept for a failure's report. */
const KEPT_LINES = 400

/**
 * The agent of a guest as dom0 speaks with it: commands go, frames with answers come, and the kernel's log comes in
 * between. One command at a time.
 * @see guest-init.ts
 */
export class AgentLine {
  readonly #line: ConsoleLine
  readonly #kernelLog: string[] = []
  #kernelLine: string | undefined
  #frame: string | undefined
  /** Of whoever writes to the console beside the agent. */
  #plainLine = ''
  #nextId = 1
  #onFrame: (words: readonly string[]) => void = () => {}
  #onEnd: () => void = () => {}
  #ended = false

  constructor(line: ConsoleLine) {
    this.#line = line
    line.onText((text) => this.#take(text))
    line.onEnd(() => {
      this.#ended = true
      this.#onEnd()
    })
  }

  /** What the guest's kernel and its first process said, the last lines of it. */
  get kernelLog(): string {
    return [...this.#kernelLog, this.#plainLine].join('\n').trimEnd()
  }

  /** Resolves when the guest takes commands. @throws Error when its console ends before */
  async ready(): Promise<void> {
    await this.#nextFrame('ready')
    // What the kernel said so far comes once more, by way of its log.
    this.#kernelLog.length = 0
  }

  async ask(command: string): Promise<CommandAnswer> {
    const id = `${this.#nextId++}`
    const answer = this.#nextFrame(id)
    this.#line.write(`${id} ${Buffer.from(command).toString('base64')}\n`)
    const [, status, output = ''] = await answer
    return { status: Number(status), output: Buffer.from(output, 'base64').toString() }
  }

  #nextFrame(name: string): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error('the guest, or its console, has ended'))
      if (this.#ended) return fail()
      this.#onEnd = fail
      // Frames of earlier commands, which were waited for in vain, may still come.
      this.#onFrame = (words) => words[0] === name && resolve(words)
    })
  }

  /** A line of the kernel's may lie within a frame, never within another one. */
  #take(text: string): void {
    for (const part of text.split(PARTS)) {
      if (part === KERNEL_MARK) this.#kernelLine = ''
      else if (part === FRAME_MARK) this.#frame = ''
      else if (part === '\n') this.#endLine()
      else if (this.#kernelLine !== undefined) this.#kernelLine += part
      else if (this.#frame !== undefined) this.#frame += part
      else this.#plainLine += part
    }
  }

  #endLine(): void {
    if (this.#kernelLine !== undefined) {
      this.#log(this.#kernelLine.replace(/^\d+,\d+,(\d+),[^;]*;/, '$1 '))
      this.#kernelLine = undefined
    } else if (this.#frame !== undefined) {
      const words = this.#frame.split(' ')
      this.#frame = undefined
      this.#onFrame(words)
    } else {
      this.#log(this.#plainLine.trimEnd())
      this.#plainLine = ''
    }
  }

  #log(line: string): void {
    this.#kernelLog.push(line)
    this.#kernelLog.splice(0, this.#kernelLog.length - KEPT_LINES)
  }
}

/** Parentheses: what separates is a part, too. */
const PARTS = new RegExp(`([\\n${FRAME_MARK}${KERNEL_MARK}])`)
