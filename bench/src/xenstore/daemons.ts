import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NotRun } from '@split-driver/debian'
import { type PeerName, startPeer } from '../xenstore-peers/index.js'

const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/split-driver.mjs', import.meta.url))

/** A XenStore daemon in a process of its own. */
export interface MeasuredDaemon extends AsyncDisposable {
  readonly name: 'ours' | PeerName
  readonly socketPath: string
}

/** `split-driver xenstored`, as anybody starts it. */
export const startOurs = async (): Promise<MeasuredDaemon> => {
  const home = mkdtempSync(join(tmpdir(), 'split-driver-xenstored-'))
  const socketPath = join(home, 'socket')
  const child = spawn(process.execPath, [COMMAND, 'xenstored', '--socket', socketPath, '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  await Promise.race([once(child.stdout!, 'data'), failed(child)])
  return {
    name: 'ours',
    socketPath,
    async [Symbol.asyncDispose]() {
      process.removeListener('exit', kill)
      const ended = once(child, 'close')
      child.kill('SIGTERM')
      await ended
      rmSync(home, { recursive: true, force: true })
    },
  }
}

const failed = async (child: ChildProcess): Promise<never> => {
  const [code] = await once(child, 'close')
  throw new Error(`split-driver xenstored ended with ${code} instead of serving`)
}

/** A peer, or why there is none. */
export type Original = readonly [PeerName, MeasuredDaemon | string]

const isThere = (original: Original): original is [PeerName, MeasuredDaemon] => typeof original[1] !== 'string'

/** Xen's own two, as far as they run here. */
export class Originals implements AsyncDisposable {
  readonly all: readonly Original[]

  static async start(): Promise<Originals> {
    return new Originals([await startOriginal('C xenstored'), await startOriginal('oxenstored')])
  }

  private constructor(all: readonly Original[]) {
    this.all = all
  }

  get there(): readonly [PeerName, MeasuredDaemon][] {
    return this.all.filter(isThere)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [, daemon] of this.there) await daemon[Symbol.asyncDispose]()
  }
}

const startOriginal = async (name: PeerName): Promise<Original> => {
  try {
    return [name, await startPeer(name)]
  } catch (error) {
    if (error instanceof NotRun) return [name, error.message]
    throw error
  }
}
