import { type FileHandle, open } from 'node:fs/promises'
import { abiOf } from '@split-driver/blkif'
import { chromeTrace, TraceRecorder, traceLines } from '@split-driver/trace'

/** A file that gets what a recorder holds, when it is disposed of. */
export class TraceFile implements AsyncDisposable {
  readonly recorder = new TraceRecorder({ devices: { vbd: abiOf } })
  readonly #path: string
  readonly #file: FileHandle

  /** Opens it at once: who cannot write there must not learn that after hours. @throws Error of the file system */
  static async open(path: string): Promise<TraceFile> {
    return new TraceFile(path, await open(path, 'w', 0o600))
  }

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const trace = this.recorder.trace()
    const text = this.#path.endsWith('.txt') ? traceLines(trace).join('\n') : JSON.stringify(chromeTrace(trace))
    try {
      await this.#file.writeFile(`${text}\n`)
    } finally {
      await this.#file.close()
    }
  }
}
