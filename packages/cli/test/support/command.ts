import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const root = join(import.meta.dirname, '..', '..')
const BIN = join(root, 'bin/split-driver.mjs')
const STUCK = join(root, 'test/programs/stuck-store.mjs')
const EMULATED = join(root, 'test/programs/emulated-machine.mjs')

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process of the command, or of the command over an emulated machine. Killed with its test. */
export class RunningCommand implements Disposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  #stdout = ''
  #stderr = ''

  static bin(args: readonly string[]): RunningCommand {
    return new RunningCommand(process.execPath, [BIN, ...args])
  }

  static withEnvironment(environment: Readonly<Record<string, string>>, args: readonly string[]): RunningCommand {
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    return new RunningCommand('env', ['-u', 'SPLIT_DRIVER_SOCKET', ...settings, process.execPath, BIN, ...args])
  }

  static emulated(args: readonly string[]): RunningCommand {
    return new RunningCommand(process.execPath, [EMULATED, ...args])
  }

  /** Over a machine on which nothing can be closed in order; `speed`: how much faster than real its timers are. */
  static stuck(args: readonly string[], speed: number): RunningCommand {
    return new RunningCommand('env', [`STOP_SPEED=${speed}`, process.execPath, STUCK, ...args])
  }

  /** On a terminal of its own, which `script` of util-linux makes: what is written to standard input is typed. */
  static onTerminal(args: readonly string[]): RunningCommand {
    const command = [process.execPath, BIN, ...args].join(' ')
    return new RunningCommand('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'])
  }

  private constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Resolves when `pattern` has been said. @throws Error with what was said instead, if the process ends before */
  async said(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    while (!pattern.test(this[stream])) {
      const ended = once(this.child, 'close').then(() => 'ended')
      const more = once(this.child[stream], 'data').then(() => 'more')
      if ((await Promise.race([more, ended])) === 'ended' && !pattern.test(this[stream]))
        throw new Error(`ended without ${pattern}:\n${this.stdout}\n${this.stderr}`)
    }
  }

  async ended(): Promise<CommandResult> {
    const [code] = this.child.exitCode === null ? await once(this.child, 'close') : [this.child.exitCode]
    return { code, stdout: this.stdout, stderr: this.stderr }
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL')
  }
}

/** Runs the real command to its end. */
export const splitDriver = async (...args: readonly string[]): Promise<CommandResult> => {
  using command = RunningCommand.bin(args)
  command.child.stdin.end()
  return await command.ended()
}
