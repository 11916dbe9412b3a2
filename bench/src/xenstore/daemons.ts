import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NotRun } from '@split-driver/debian'
import { type PeerName, type ShimmedDaemon, startPeer, startShimmed } from '../xenstore-peers/index.js'
import { DEPTHS } from './work.js'

const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/split-driver.mjs', import.meta.url))

/** A guest may have 10, and here has as many as it has under way. */
const TRANSACTIONS = Math.max(...DEPTHS)

/** A XenStore daemon in a process of its own. */
export interface MeasuredDaemon extends AsyncDisposable {
  readonly name: 'ours' | PeerName
  readonly socketPath: string
  /** What stands for Xen below it, if anything does: guests then can be behind rings. */
  readonly guests?: Pick<ShimmedDaemon, 'createGuest' | 'pageOf' | 'events'>
}

/** `split-driver xenstored` on what it takes for a Xen host, as the originals; where that cannot be, on this machine. */
export const startOurs = async (): Promise<MeasuredDaemon> => {
  try {
    const quota = ['--quota-transactions', `${TRANSACTIONS}`]
    const daemon = await startShimmed('ours', (_, home) => ours(join(home, 'socket'), '--host', ...quota))
    return { ...daemon, name: 'ours', guests: daemon }
  } catch (error) {
    if (error instanceof NotRun) return startWithoutXen()
    throw error
  }
}

const ours = (socket: string, ...options: readonly string[]): [string, ...string[]] => {
  return [process.execPath, COMMAND, 'xenstored', '--socket', socket, '--log-level', 'warn', ...options]
}

const startWithoutXen = async (): Promise<MeasuredDaemon> => {
  const home = mkdtempSync(join(tmpdir(), 'split-driver-xenstored-'))
  const socketPath = join(home, 'socket')
  const [program, ...args] = ours(socketPath)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  await Promise.race([once(child.stdout, 'data'), failed(child)])
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
    const daemon = await startPeer(name, { transactions: TRANSACTIONS })
    return [name, { ...daemon, guests: daemon }]
  } catch (error) {
    if (error instanceof NotRun) return [name, error.message]
    throw error
  }
}
