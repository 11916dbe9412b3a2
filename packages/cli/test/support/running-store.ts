import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { RunningCommand } from './command.js'
import type { ScratchFolder } from './scratch-folder.js'

/** `split-driver xenstored` in a process and a folder of its own. */
export class RunningStore implements Disposable {
  readonly folder: ScratchFolder
  readonly command: RunningCommand

  /** @returns when it serves */
  static async start(folder: ScratchFolder, ...args: readonly string[]): Promise<RunningStore> {
    const store = new RunningStore(folder, args)
    await store.command.said('stdout', /^ready$/m)
    return store
  }

  private constructor(folder: ScratchFolder, args: readonly string[]) {
    this.folder = folder
    this.command = RunningCommand.withEnvironment({ XENSTORED_RUNDIR: folder.path }, ['xenstored', ...args])
  }

  get pid(): number {
    return this.command.child.pid!
  }

  get socket(): string {
    return this.folder.file('socket')
  }

  channel(): Promise<SocketChannel> {
    return SocketChannel.connect(this.socket)
  }

  async client(): Promise<XenStoreClient> {
    return new XenStoreClient(await this.channel())
  }

  /** @returns how it ended */
  stop(signal: NodeJS.Signals) {
    this.command.child.kill(signal)
    return this.command.ended()
  }

  [Symbol.dispose](): void {
    this.command[Symbol.dispose]()
  }
}
