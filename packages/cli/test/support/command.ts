import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const root = join(import.meta.dirname, '..', '..')

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

  static bin(args: readonly string[], environment: NodeJS.ProcessEnv = {}): RunningCommand {
    return new RunningCommand(join(root, 'bin/split-driver.mjs'), args, environment)
  }

  static emulated(args: readonly string[]): RunningCommand {
    return new RunningCommand(join(root, 'test/programs/emulated-machine.mjs'), args, {})
  }

  private constructor(program: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    const env = { ...process.env, ...environment }
    this.child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env })
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
