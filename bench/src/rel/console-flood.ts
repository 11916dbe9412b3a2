import { SeededRandom } from '@split-driver/conformance'
import { ConsoleBackend, ConsoleFrontend, PrintableText } from '@split-driver/console'
import { Machine } from '@split-driver/emulator'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

const MIB = 1 << 20
const LOG_BYTES = MIB
const UNLIMITED = { events: Number.POSITIVE_INFINITY, milliseconds: 1 }

/** What a guest would send to take a terminal over. */
const HOSTILE = [
  '\x1b[2J',
  '\x1b]0;owned\x07',
  '\x1bP$q"p\x1b\\',
  '\u009b6n',
  '\x1b]',
  '\r',
  '\n',
  '\0',
  '\x07',
  'login: ',
]

/** One MiB of escapes, text and bytes of any kind. */
const hostileMiB = (random: SeededRandom): Uint8Array => {
  const pieces = HOSTILE.map((text) => new TextEncoder().encode(text))
  const flood = new Uint8Array(MIB)
  for (let at = 0; at < MIB; ) {
    const piece = random.below(4) === 0 ? random.bytes(16) : random.pick(pieces)
    flood.set(piece.subarray(0, MIB - at), at)
    at += piece.length
  }
  return flood
}

const isShowable = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x09 || code === 0x0a) continue
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  }
  return true
}

/** C2: a flood is capped, counted and made harmless; a reader that never reads changes nothing. */
export const suite: RelSuite = {
  name: 'console-flood',
  describe: 'one try is 1 MiB of hostile console output: the log stays within its limit, and nothing raw is shown',
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const violations: string[] = []
    const random = new SeededRandom(seed)
    const machine = Machine.create({ memoryMiB: 32 })
    const platform = machine.attach(machine.buildControlDomain().domid)
    const { domid, events, console } = machine.attach(machine.buildGuest().domid)
    await using frontend = new ConsoleFrontend({ ...console, events })
    const options = { platform, domid, remotePort: console.port, eventRate: UNLIMITED, logBytes: LOG_BYTES }
    using backend = new ConsoleBackend(options)
    const idle = backend.attachReader()
    const reader = backend.attachReader().readable.getReader()
    const writer = frontend.writable.getWriter()
    writer.closed.catch(() => {})
    const text = new PrintableText()
    let done = 0
    for (; done < n; progress(++done)) {
      const writing = writer.write(hostileMiB(random))
      for (let left = MIB; left > 0; ) {
        const { value } = await reader.read()
        left -= value?.length ?? left
        if (value && !isShowable(text.push(value))) violations.push(`MiB ${done}: a control character was let through`)
      }
      await writing
      const { byteLength, capacityBytes, end } = backend.log
      if (byteLength > LOG_BYTES || capacityBytes > LOG_BYTES)
        violations.push(`MiB ${done}: the log holds ${byteLength} bytes in ${capacityBytes}`)
      if (end !== (done + 1) * MIB || idle.droppedBytes !== end - LOG_BYTES)
        violations.push(`MiB ${done}: ${end} bytes counted, ${idle.droppedBytes} missed by the idle reader`)
    }
    return { done, violations, detail: { bytes: done * MIB } }
  },
}
