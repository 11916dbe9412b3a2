import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { CoreDump, Toolstack } from '@split-driver/emulator'
import { usableFolder } from '../consoled/usable-folder.js'
import { errorCode } from '../logging/error-code.js'
import type { Log } from '../logging/log.js'

const OWNER_ONLY = 0o600

/** Writes what crashed domains leave behind, a file each: the domain's own memory, page after page. */
export class CoreDumps {
  readonly #folder: string | undefined
  readonly #log: Log
  readonly #writing = new Set<Promise<void>>()

  /**
   * @param folder where the files go; dumps are dropped, and the log says so, unless it is given
   * @throws XenError EACCES
   */
  static async open(toolstack: Toolstack, folder: string | undefined, log: Log): Promise<CoreDumps> {
    if (folder !== undefined) await usableFolder(folder, 'core dumps')
    return new CoreDumps(toolstack, folder, log)
  }

  private constructor(toolstack: Toolstack, folder: string | undefined, log: Log) {
    this.#folder = folder
    this.#log = log
    toolstack.events.on('coredump', (dump) => {
      const work = this.#take(dump).finally(() => this.#writing.delete(work))
      this.#writing.add(work)
    })
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    await Promise.all(this.#writing)
  }

  /** Never rejects. */
  async #take({ domid, name, memory }: CoreDump): Promise<void> {
    if (this.#folder === undefined) {
      this.#log.warn({ event: 'coredump', domid, name }, 'the core dump is dropped: there is no --dump-dir for it')
      return
    }
    // A name may hold anything but "/", and begins with no number alone.
    const path = join(this.#folder, `${name}-${domid}.core`)
    try {
      await using file = await open(path, 'w', OWNER_ONLY)
      await file.writeFile(memory)
      this.#log.info({ event: 'coredump', domid, name, path, bytes: memory.length }, 'the core dump is written')
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      this.#log.error({ event: 'coredump', domid, name, path, ...errorCode(failure) }, failure.message)
    }
  }
}
