import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A named pipe in a folder of its own. */
export class Fifo implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'split-driver-fifo-'))
  readonly path = join(this.#folder, 'fifo')

  constructor() {
    execFileSync('mkfifo', [this.path])
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}
