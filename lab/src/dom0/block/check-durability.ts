import assert from 'node:assert/strict'
import type { Lab } from '../../scenario.js'
import type { Daemon } from '../daemon.js'
import type { DiskImage } from '../disk-image.js'
import type { LinuxGuest } from '../linux-guest.js'
import { SystemCallTrace, type TracedCall } from '../system-call-trace.js'

export interface ServedDisk {
  readonly guest: LinuxGuest
  /** The disk's name in the guest. */
  readonly device: string
  /** What is behind it. */
  readonly image: DiskImage
}

/** How long each fdatasync of the daemon is held back, on top of what the kernel needs. */
const DELAY_MS = 400
const SYNCS = 4
const BLOCK_BYTES = 4096

/** IOCTL_EVTCHN_NOTIFY, as strace shows it. @see xen/sys/evtchn.h */
const isNotify = ({ name, text }: TracedCall): boolean => name === 'ioctl' && /^\(0x[\da-f]+, 0x44504,/.test(text)
const isWrite = ({ name }: TracedCall): boolean => name.startsWith('pwrite')
const isSync = ({ name }: TracedCall): boolean => name === 'fdatasync'

/** Writes a block and waits until it is durable, several times; says how long each wait took, in hundredths of a second. */
const syncedWrites = (device: string): string => `
now() { read up idle </proc/uptime; echo \${up%.*}\${up#*.}; }
for i in ${Array.from({ length: SYNCS }, (_, i) => i).join(' ')}; do
  yes "durable $i" | dd of=/tmp/block bs=${BLOCK_BYTES} count=1 iflag=fullblock status=none
  began=$(now)
  dd if=/tmp/block of=${device} bs=${BLOCK_BYTES} count=1 seek=$((i * 7)) conv=notrunc,fsync status=none || exit 1
  echo $(($(now) - began))
done`

/** The daemon's own system calls, with each fdatasync held back: an answer that did not wait for it would show. */
export const checkDurability = async (lab: Lab, disk: ServedDisk & { readonly daemon: Daemon }): Promise<void> => {
  const { guest, daemon, device, image } = disk
  const calls = await lab.check(
    `${SYNCS} fsyncs of the guest wait for fdatasync, held back ${DELAY_MS} ms`,
    async () => {
      const trace = await SystemCallTrace.attach(daemon.pid, {
        calls: ['fdatasync', 'pwrite64', 'pwritev', 'pwritev2', 'ioctl'],
        delay: { call: 'fdatasync', milliseconds: DELAY_MS },
        file: `${lab.folder}/strace.txt`,
      })
      const output = await guest.output(syncedWrites(device)).finally(async () => {
        if (daemon.running) await trace.detach()
      })
      const waits = output.split('\n').map((text) => Number(text) * 10)
      assert.equal(waits.length, SYNCS, output)
      // The guest's clock counts in steps of 10 ms.
      for (const wait of waits) assert.ok(wait >= DELAY_MS - 10, `fsync took ${wait} ms`)
      return trace.calls()
    },
  )
  await lab.check(
    'strace: data is written, fdatasync returns, and only then the guest is told that its flush is done',
    () => judgeFlushes(calls, SYNCS, DELAY_MS / 1000),
  )
  await lab.check('what the guest made durable is in the image', () => {
    for (let i = 0; i < SYNCS; i++) {
      const block = image.read({ position: i * 7 * BLOCK_BYTES, byteLength: BLOCK_BYTES })
      assert.deepEqual(Buffer.from(block), Buffer.alloc(BLOCK_BYTES, `durable ${i}\n`))
    }
  })
}

/**
 * One request is under way at a time, so that every notification between two calls belongs to what came before it.
 * @param flushes how many there were at least
 * @param delay seconds by which each fdatasync was held back
 * @throws AssertionError naming what came in a wrong order
 */
export const judgeFlushes = (calls: readonly TracedCall[], flushes: number, delay: number): void => {
  const syncs = calls.filter(isSync)
  assert.ok(syncs.length >= flushes, `${syncs.length} calls of fdatasync for ${flushes} fsyncs`)
  for (const sync of syncs) {
    assert.match(sync.text, /= 0 \(DELAYED\)$/)
    const index = calls.indexOf(sync)
    const before = calls.slice(0, index).findLast((call) => isWrite(call) || isSync(call))
    assert.ok(before !== undefined && before.end <= sync.start, 'a write began before and ended after fdatasync began')
    const after = calls.slice(index + 1)
    const early = after.filter((call) => isNotify(call) && call.start < sync.end + delay)
    assert.deepEqual(early, [], 'the guest was notified before fdatasync had returned')
    const next = after.find((call) => isNotify(call) || isWrite(call) || isSync(call))
    assert.ok(next !== undefined && isNotify(next), 'the guest was not notified after fdatasync')
  }
}
