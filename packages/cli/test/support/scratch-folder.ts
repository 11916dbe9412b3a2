import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A fresh folder that goes away with the test. */
export class ScratchFolder implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'split-driver-cli-')))

  file(name: string): string {
    return join(this.path, name)
  }

  /** Files of the folder that this process has open, once for each descriptor. */
  openFiles(): string[] {
    return descriptors()
      .map(({ target }) => target)
      .filter((target) => target.startsWith(this.path))
  }

  /** With which flags this process has a file of the folder open. @see open(2) */
  openFlags(name: string): number {
    const found = descriptors().find(({ target }) => target === this.file(name))
    const info = readFileSync(`/proc/self/fdinfo/${found?.fd}`, 'utf8')
    return Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)![1]!, 8)
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

const descriptors = (): { fd: string; target: string }[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [{ fd, target: readlinkSync(`/proc/self/fd/${fd}`) }]
    } catch {
      // The descriptor of the listing itself.
      return []
    }
  })
