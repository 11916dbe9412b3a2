import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { type CpioEntry, CpioWriter } from './cpio-writer.js'

/** What an initramfs will hold: absolute paths in it, each with where its content comes from. */
export class ImageTree {
  readonly #entries = new Map<string, CpioEntry>()

  has(path: string) {
    return this.#entries.has(path)
  }

  /** The file of this machine that `path` is a copy of. */
  sourceOf(path: string): string | undefined {
    const entry = this.#entries.get(path)
    return entry?.type === 'file' ? entry.source : undefined
  }

  directory(path: string, mode = 0o755) {
    if (path === '/' || this.#entries.get(path)?.type === 'directory') return
    this.directory(posix.dirname(path))
    this.#entries.set(path, { type: 'directory', mode })
  }

  text(path: string, text: string, mode = 0o644) {
    this.#add(path, { type: 'text', mode, text })
  }

  link(path: string, target: string) {
    this.#add(path, { type: 'link', target })
  }

  characterDevice(path: string, major: number, minor: number) {
    this.#add(path, { type: 'character device', mode: 0o600, major, minor })
  }

  /** A file of this machine with what its own links lead to. */
  file(path: string, source: string) {
    const { mode, size } = statSync(source)
    this.#add(path, { type: 'file', mode: mode & 0o777, source, byteLength: size })
  }

  /** A folder of this machine with everything in it that `wanted` lets through; links inside stay links. */
  folder(path: string, source: string, wanted: (path: string) => boolean = () => true) {
    this.directory(path)
    for (const name of readdirSync(source).sort()) {
      const [inside, outside] = [posix.join(path, name), join(source, name)]
      if (!wanted(outside)) continue
      const status = lstatSync(outside)
      if (status.isDirectory()) this.folder(inside, outside, wanted)
      else if (status.isSymbolicLink()) this.link(inside, readlinkSync(outside))
      else this.file(inside, outside)
    }
  }

  /** Writes the tree as an initramfs, parents before children. */
  write(target: string) {
    using writer = new CpioWriter(target)
    for (const [path, entry] of [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)))
      writer.add(path.slice(1), entry)
    writer.finish()
  }

  #add(path: string, entry: CpioEntry) {
    this.directory(dirname(path))
    this.#entries.set(path, entry)
  }
}
