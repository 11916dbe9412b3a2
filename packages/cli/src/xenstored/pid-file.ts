import { readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { XenError } from '@split-driver/abi'

/** A file that tells this process's id to whoever stops or watches the daemon, as long as the daemon serves. */
export class PidFile implements AsyncDisposable {
  readonly #path: string

  /** Replaces what is there: that no other daemon serves is not found out by this file. @throws XenError EACCES */
  static async write(path: string): Promise<PidFile> {
    try {
      // After a live update it is ours already; and whoever looks must never find it empty.
      if ((await readFile(path, 'utf8').catch(() => '')) !== `${process.pid}\n`) {
        await writeFile(`${path}.new`, `${process.pid}\n`)
        await rename(`${path}.new`, path)
      }
      return new PidFile(path)
    } catch (cause) {
      const { message } = cause as Error
      throw new XenError('EACCES', `cannot write the process id to ${path}: ${message}`, { cause })
    }
  }

  private constructor(path: string) {
    this.#path = path
  }

  /** Another daemon's own stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    const text = await readFile(this.#path, 'utf8').catch(() => '')
    if (text === `${process.pid}\n`) await unlink(this.#path).catch(() => undefined)
  }
}
