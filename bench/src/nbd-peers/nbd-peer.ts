import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ForeignRoot, NotRun } from '@split-driver/debian'
import { nbdPackages } from './nbd-packages.js'

const START_MS = 30_000

/** What is served: a command line, without where. */
export interface NbdService {
  readonly program: 'nbdkit' | 'qemu-nbd'
  /** @param root where plugins and filters lie @param home a folder of the server's own, which outlives its restarts */
  readonly args: (root: ForeignRoot, home: string) => readonly string[]
  readonly over: 'TCP' | 'a Unix socket'
}

/** A plugin or filter of nbdkit's, by its path: the program would look for it on this machine. */
export const nbdkitPart = (root: ForeignRoot, kind: 'plugin' | 'filter', name: string): string =>
  root.at(`/usr/lib/x86_64-linux-gnu/nbdkit/${kind}s/nbdkit-${name}-${kind}.so`)

/** One that runs on this machine, until its disposal or until this process ends in whatever way. */
export class NbdPeer {
  readonly home: string
  readonly #service: NbdService
  readonly #root: ForeignRoot
  readonly #port: number
  readonly #leaveNothing = (): void => {
    this.#child?.kill('SIGKILL')
    rmSync(this.home, { recursive: true, force: true })
  }
  #child: ChildProcess | undefined
  #complaint = ''

  private constructor(service: NbdService, root: ForeignRoot, port: number) {
    this.#service = service
    this.#root = root
    this.#port = port
    // A Unix socket's path has at most 107 bytes; that of a checkout can be longer.
    this.home = mkdtempSync(join(tmpdir(), 'nbd-peer-'))
    process.once('exit', this.#leaveNothing)
  }

  /** @throws NotRun where packages or machine are missing */
  static async start(service: NbdService, prepare: (home: string) => void = () => undefined): Promise<NbdPeer> {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      throw new NotRun(`the NBD servers are for Linux on x86-64, and this is ${process.platform} on ${process.arch}`)
    const { root } = await nbdPackages()
    const peer = new NbdPeer(service, root, service.over === 'TCP' ? await unusedPort() : 0)
    try {
      prepare(peer.home)
      await peer.restart()
      return peer
    } catch (error) {
      await peer[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What comes after `nbd` in its URI. */
  get place(): string {
    return this.#port === 0 ? `+unix:///?socket=${this.#socketPath}` : `://127.0.0.1:${this.#port}`
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
    if (this.#port === 0) rmSync(this.#socketPath, { force: true })
  }

  /** Resolves when it listens. */
  async restart(): Promise<void> {
    await this.kill()
    const { program, args } = this.#service
    const [command, ...rest] = this.#root.command(this.#root.find(program), [
      ...this.#listening(),
      ...args(this.#root, this.home),
    ])
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-4000)
    })
    for (const end = Date.now() + START_MS; !(await this.#listens()); ) {
      if (child.exitCode !== null || Date.now() > end)
        throw new Error(`${program} does not serve: ${this.#complaint.trim()}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    process.removeListener('exit', this.#leaveNothing)
    this.#leaveNothing()
  }

  get #socketPath(): string {
    return join(this.home, 'socket')
  }

  #listening(): readonly string[] {
    const where = this.#port === 0 ? [] : [`--port=${this.#port}`]
    if (this.#service.program === 'nbdkit')
      return ['--foreground', ...(this.#port === 0 ? [`--unix=${this.#socketPath}`] : [...where, '--ipaddr=127.0.0.1'])]
    return [
      '--persistent',
      '--shared=4',
      ...(this.#port === 0 ? [`--socket=${this.#socketPath}`] : [...where, '--bind=127.0.0.1']),
    ]
  }

  #listens(): Promise<boolean> {
    const socket = connect(this.#port === 0 ? { path: this.#socketPath } : { host: '127.0.0.1', port: this.#port })
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    }).then((listens) => {
      socket.destroy()
      return listens as boolean
    })
  }
}

const unusedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
