import { once } from 'node:events'
import type { ReadStream } from 'node:tty'
import { PrintableText } from '@split-driver/console'
import type { AttachedConsole } from './attach-console.js'

/** Ctrl-], as in xl console and telnet. */
const LEAVE = 0x1d

export interface TerminalOptions {
  /** What is typed; nothing unless given. */
  readonly input: (NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY' | 'setRawMode'>>) | undefined
  readonly output: NodeJS.WritableStream
  /** For what is not the guest's. */
  readonly notices: NodeJS.WritableStream
  /** Takes out what a terminal would obey. */
  readonly printable: boolean
}

/** Joins a terminal and a console until Ctrl-] is typed or the console ends. */
export const runTerminal = async (console: AttachedConsole, options: TerminalOptions): Promise<void> => {
  const { input, output, notices } = options
  const raw = input?.isTTY === true
  if (raw) {
    input.setRawMode?.(true)
    notices.write('Ctrl-] leaves the console\n')
  }
  try {
    const left = input === undefined ? new Promise<never>(() => undefined) : typeUntilLeft(console, input, raw)
    const ended = show(console, options).then(() => 'the console has ended')
    const unread = new Promise<string>((resolve) => {
      output.once('error', () => resolve('nobody reads the output any more'))
    })
    const reason = await Promise.race([left, unread, ended])
    if (raw) notices.write(`\n${reason}\n`)
  } finally {
    if (raw) input.setRawMode?.(false)
    input?.pause()
  }
}

/** Resolves on Ctrl-] alone, which means something on a terminal only. When the input ends, its output is yet to come. */
const typeUntilLeft = (console: AttachedConsole, input: NodeJS.ReadableStream, raw: boolean): Promise<string> =>
  new Promise((resolve) => {
    const follow = async (): Promise<void> => {
      for await (const chunk of input) {
        const bytes = Buffer.from(chunk)
        const end = raw ? bytes.indexOf(LEAVE) : -1
        await console.type(end < 0 ? bytes : bytes.subarray(0, end))
        if (end >= 0) return resolve('left the console')
      }
    }
    // What cannot be typed any more is told by the end of the output.
    follow().catch(() => undefined)
  })

const show = async (console: AttachedConsole, { output, printable }: TerminalOptions): Promise<void> => {
  const text = printable ? new PrintableText() : undefined
  for await (const bytes of console.output) {
    if (!output.write(text === undefined ? bytes : text.push(bytes))) await once(output, 'drain')
  }
  if (text !== undefined) output.write(text.end())
}
