import { readFileSync } from 'node:fs'
import { Daemon } from './daemon.js'
import { inTime } from './patience.js'

/** One call as strace saw it. */
export interface TracedCall {
  readonly name: string
  /** Arguments and result, numbers in hexadecimal. */
  readonly text: string
  /** Seconds of dom0's clock when it began. */
  readonly start: number
  /** The kernel had answered by then; an injected delay comes on top. */
  readonly end: number
}

export interface TraceOptions {
  /** Names of the calls to see. */
  readonly calls: readonly string[]
  /** A call that returns so many milliseconds after the kernel has answered it. */
  readonly delay: { readonly call: string; readonly milliseconds: number }
  /** Where strace writes. */
  readonly file: string
}

/** Watches the system calls of a running process, with all its threads. */
export class SystemCallTrace {
  readonly #strace: Daemon
  readonly #file: string

  static async attach(pid: number, { calls, delay, file }: TraceOptions): Promise<SystemCallTrace> {
    const filters = [
      `trace=${calls.join(',')}`,
      'raw=all',
      `inject=${delay.call}:delay_exit=${delay.milliseconds * 1000}`,
    ]
    const args = ['-f', '-ttt', '-T', '-o', file, '-p', String(pid), ...filters.flatMap((filter) => ['-e', filter])]
    return new SystemCallTrace(await Daemon.start('strace', args, { ready: /attached/ }), file)
  }

  private constructor(strace: Daemon, file: string) {
    this.#strace = strace
    this.#file = file
  }

  /** Lets go of the process. */
  async detach(): Promise<void> {
    // strace detaches, and then ends as the signal would have ended it.
    process.kill(this.#strace.pid, 'SIGTERM')
    await inTime(30, 'strace to let go', this.#strace.ended)
  }

  /** What was seen, in the order in which calls began. */
  calls(): TracedCall[] {
    return parseTrace(readFileSync(this.#file, 'utf8'))
  }
}

const WHOLE = /^(\d+) +(\d+\.\d+) (\w+)(\(.*) <(\d+\.\d+)>$/
const BEGUN = /^(\d+) +(\d+\.\d+) (\w+)(\(.*) <unfinished \.\.\.>$/
const RESUMED = /^(\d+) +(\d+\.\d+) <\.\.\. (\w+) resumed>(.*) <(\d+\.\d+)>$/

/** Lines of `strace -f -ttt -T`. A call that another thread's interrupts is told in two lines. */
export const parseTrace = (text: string): TracedCall[] => {
  const begun = new Map<string, { readonly start: number; readonly text: string }>()
  const calls: TracedCall[] = []
  for (const line of text.split('\n')) {
    const [, pid, time, name, rest, took] = WHOLE.exec(line) ?? BEGUN.exec(line) ?? RESUMED.exec(line) ?? []
    if (pid === undefined || time === undefined || name === undefined || rest === undefined) continue
    if (took === undefined) {
      begun.set(pid, { start: Number(time), text: rest })
      continue
    }
    const first = line.includes(' resumed>') ? begun.get(pid) : { start: Number(time), text: '' }
    if (first === undefined) continue
    calls.push({ name, text: first.text + rest, start: first.start, end: first.start + Number(took) })
  }
  return calls.sort((a, b) => a.start - b.start)
}
