import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('bin/split-driver.mjs', import.meta.resolve('@split-driver/cli/package.json')))

/** The command in a process of its own, as a shell would start it; standard error is ours. */
const start = (socket: string, args: readonly string[]) =>
  spawn(process.execPath, [bin, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, SPLIT_DRIVER_SOCKET: socket },
  })

const exitCode = async (running: ChildProcess): Promise<number> => running.exitCode ?? (await once(running, 'exit'))[0]

/** A machine that runs until it is told to stop. */
export class RunningMachine implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #socket: string

  /** Resolves when it is ready for commands. */
  static async start(socket: string): Promise<RunningMachine> {
    const machine = start(socket, ['machine', '--log-level', 'warn'])
    for await (const text of machine.stdout)
      if (String(text).includes('ready')) return new RunningMachine(machine, socket)
    throw new Error(`the machine ended with exit code ${await exitCode(machine)}`)
  }

  private constructor(machine: ChildProcess, socket: string) {
    this.#process = machine
    this.#socket = socket
  }

  /** Runs a command against it, and shows both. @returns what the command printed */
  async command(name: string, ...args: readonly string[]): Promise<string> {
    return this.type(name, args, '')
  }

  /** As `command`, with something to type. */
  async type(name: string, args: readonly string[], input: string): Promise<string> {
    console.log(`$ split-driver ${[name, ...args].join(' ')}`)
    const running = start(this.#socket, [name, ...args])
    running.stdin.end(input)
    let output = ''
    for await (const text of running.stdout) output += text
    const code = await exitCode(running)
    if (output !== '') console.log(output.replaceAll('\r', '').trimEnd())
    if (code !== 0) throw new Error(`split-driver ${name} ended with exit code ${code}`)
    return output
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGTERM')
    const code = await exitCode(this.#process)
    if (code !== 0) throw new Error(`the machine ended with exit code ${code}`)
  }
}
