import { closeSync, openSync, readSync, writeSync } from 'node:fs'

/** One member of an initramfs. Everything belongs to root and is dated zero, so that the same tree gives the same bytes. */
export type CpioEntry =
  | { readonly type: 'directory'; readonly mode: number }
  | { readonly type: 'file'; readonly mode: number; readonly source: string; readonly byteLength: number }
  | { readonly type: 'text'; readonly mode: number; readonly text: string }
  | { readonly type: 'link'; readonly target: string }
  | { readonly type: 'character device'; readonly mode: number; readonly major: number; readonly minor: number }

const typeBits = { directory: 0o040000, file: 0o100000, text: 0o100000, link: 0o120000, 'character device': 0o020000 }
const chunkBytes = 1 << 20

/**
 * Writes an archive of the "newc" format, the one that the kernel unpacks at boot.
 * @see Linux Documentation/driver-api/early-userspace/buffer-format.rst
 */
export class CpioWriter implements Disposable {
  #fd: number
  #position = 0
  #inode = 1

  constructor(path: string) {
    this.#fd = openSync(path, 'w')
  }

  /** `name` is the path in the archive, without a leading slash. Its directory must have been added before. */
  add(name: string, entry: CpioEntry) {
    const content = contentOf(entry)
    const byteLength = entry.type === 'file' ? entry.byteLength : content.length
    this.#header(name, entry, byteLength)
    if (entry.type === 'file') this.#copy(entry.source, byteLength)
    else this.#write(content)
    this.#pad(4)
  }

  /** Ends the archive. The kernel takes several, one behind the other, if each begins at a multiple of 4 bytes. */
  finish() {
    this.#header('TRAILER!!!', { type: 'text', mode: 0, text: '' }, 0)
    this.#pad(512)
  }

  [Symbol.dispose]() {
    closeSync(this.#fd)
  }

  #header(name: string, entry: CpioEntry, byteLength: number) {
    const mode = typeBits[entry.type] | (entry.type === 'link' ? 0o777 : entry.mode)
    const [major, minor] = entry.type === 'character device' ? [entry.major, entry.minor] : [0, 0]
    const encodedName = Buffer.from(`${name}\0`)
    const fields = [this.#inode++, mode, 0, 0, 1, 0, byteLength, 0, 0, major, minor, encodedName.length, 0]
    const hexadecimal = fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0'))
    this.#write(Buffer.concat([Buffer.from(`070701${hexadecimal.join('')}`), encodedName]))
    this.#pad(4)
  }

  #copy(source: string, byteLength: number) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, byteLength))
    const fd = openSync(source, 'r')
    try {
      for (let left = byteLength; left > 0; ) {
        const count = readSync(fd, chunk, 0, Math.min(left, chunk.length), null)
        if (count === 0) throw new Error(`${source} became shorter while it was read`)
        this.#write(chunk.subarray(0, count))
        left -= count
      }
    } finally {
      closeSync(fd)
    }
  }

  #write(bytes: Buffer) {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done)
    this.#position += bytes.length
  }

  #pad(multiple: number) {
    const over = this.#position % multiple
    if (over !== 0) this.#write(Buffer.alloc(multiple - over))
  }
}

function contentOf(entry: CpioEntry): Buffer {
  if (entry.type === 'text') return Buffer.from(entry.text)
  return Buffer.from(entry.type === 'link' ? entry.target : '')
}
