import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'

const PROGRAM = fileURLToPath(new URL('./kept-store.js', import.meta.url))

/** A daemon in a process of its own, which is killed like any other that nobody asks. */
export class KeptDaemon {
  readonly #child: ChildProcess
  readonly #socket: string
  #said = ''
  #complaints = ''

  /** @param home a folder with its journal and its socket, which outlives it */
  constructor(home: string) {
    this.#socket = join(home, 'socket')
    this.#child = spawn(process.execPath, [PROGRAM, join(home, 'journal'), this.#socket])
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text
    })
  }

  /** What it said about the state that it found. */
  get complaints(): string {
    return this.#complaints
  }

  /** @throws Error with what the daemon said, if it does not come to serve */
  async ready(): Promise<void> {
    const ended = once(this.#child, 'close')
    while (!this.#said.includes('ready')) {
      const said = once(this.#child.stdout!, 'data')
      const alive = await Promise.race([said.then(() => true), ended.then(() => this.#said.includes('ready'))])
      if (!alive) throw new Error(`the daemon ended before it served: ${this.#complaints.trim()}`)
    }
  }

  async connect(): Promise<XenStoreClient> {
    return new XenStoreClient(await SocketChannel.connect(this.#socket))
  }

  /** kill -9, now. Resolves when nothing is left of it. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }
}
