import assert from 'node:assert/strict'
import { DiskImage } from '../src/dom0/disk-image.js'
import { LinuxGuest } from '../src/dom0/linux-guest.js'
import { openDom0 } from '../src/dom0/open-dom0.js'
import { startBlkback } from '../src/dom0/our-daemons.js'
import { LoopDevice } from '../src/dom0/virtual-disk.js'
import type { Lab, Scenario } from '../src/scenario.js'

const MIB = 1 << 20
const SEED = 13
const DISK_MIB = 64
const WRITE_MIB = 32
const SMALL_READS = 1000
/** Pairs of measurements; the order within a pair alternates. */
const ROUNDS = 3

/** Two names of one file in one guest. */
const OURS = '/dev/xvda'
const LINUX = '/dev/xvdb'

interface Measurement {
  readonly name: string
  readonly unit: string
  /** Of the unit, in one run. */
  readonly amount: number
  /** It writes what the file's last part holds to the file's start. */
  readonly writes?: boolean
  /** What is timed. */
  readonly command: (device: string) => string
}

const MEASUREMENTS: readonly Measurement[] = [
  {
    name: `sequential read, ${DISK_MIB} MiB`,
    unit: 'MiB/s',
    amount: DISK_MIB,
    command: (device) => `dd if=${device} of=/dev/null bs=1M count=${DISK_MIB} iflag=direct status=none`,
  },
  {
    name: `${SMALL_READS} direct reads of 4 KiB`,
    unit: 'reads/s',
    amount: SMALL_READS,
    command: (device) => `dd if=${device} of=/dev/null bs=4096 count=${SMALL_READS} iflag=direct status=none`,
  },
  {
    name: `write and fsync, ${WRITE_MIB} MiB`,
    unit: 'MiB/s',
    amount: WRITE_MIB,
    writes: true,
    command: (device) => `dd if=/tmp/data of=${device} bs=1M oflag=direct conv=notrunc,fsync status=none`,
  },
]

export const scenario: Scenario = {
  name: 'peers',
  summary: "throughput of one Linux guest on our backend and on Linux's xen-blkback: same file, same boot",
  limitSeconds: 480,
  async run(lab) {
    const dom0 = await openDom0(lab)
    await startBlkback(lab)
    const image = DiskImage.create(`${lab.folder}/disk.img`, DISK_MIB * MIB, SEED)
    const loop = await LoopDevice.over(image.path)
    lab.atEnd(() => loop.detach())
    const guest = await lab.check("one guest has the same file as two disks: ours, and of Linux's xen-blkback", () =>
      LinuxGuest.boot(dom0, {
        name: 'peers',
        memoryMiB: 256,
        disks: [
          { name: 'xvda', path: image.path, by: 'split-driver' },
          { name: 'xvdb', path: loop.path, by: 'linux' },
        ],
      }),
    )
    // What is written later: the file's own last part, moved to its start.
    await guest.output(`dd if=${LINUX} of=/tmp/data bs=1M skip=${DISK_MIB - WRITE_MIB} count=${WRITE_MIB} iflag=direct`)
    await checkSameData(lab, guest, image)
    for (const measurement of MEASUREMENTS) await measure(lab, { guest, image }, measurement)
    await lab.check('the guest, used by both, shuts itself down in order', () => guest.poweroff())
  },
}

const checkSameData = (lab: Lab, guest: LinuxGuest, image: DiskImage): Promise<void> =>
  lab.check(
    "either backend shows every byte of the file: by one its SHA-256 is dom0's, by the other it is the same",
    async () => {
      assert.equal(await guest.output(`sha256sum <${OURS} && cmp ${OURS} ${LINUX}`), `${image.sha256()}  -`)
    },
  )

const START = { position: 0, byteLength: WRITE_MIB * MIB }
const SOURCE = { position: (DISK_MIB - WRITE_MIB) * MIB, byteLength: WRITE_MIB * MIB }

/** The kernel counts in hundredths of a second. @returns seconds */
const timed = async (guest: LinuxGuest, command: string): Promise<number> => {
  const now = 'read up idle </proc/uptime; echo $up'
  const [began, ended] = (await guest.output(`${now}\n${command} || exit 1\n${now}`)).split('\n').map(Number)
  return Math.max(ended! - began!, 0.01)
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

interface Subject {
  readonly guest: LinuxGuest
  readonly image: DiskImage
}

/** One run on one disk. What it writes is wiped out before, and looked for afterwards. @returns seconds */
const run = async ({ guest, image }: Subject, { command, writes }: Measurement, device: string): Promise<number> => {
  if (writes) image.write(START.position, new Uint8Array(START.byteLength))
  const seconds = await timed(guest, command(device))
  if (writes)
    assert.equal(image.sha256(START), image.sha256(SOURCE), `what was written to ${device} is not in the file`)
  return seconds
}

const measure = (lab: Lab, subject: Subject, measurement: Measurement): Promise<void> => {
  const { name, unit, amount, writes } = measurement
  const what = `${name}: measured ${ROUNDS} times in turn${writes ? '; each time all of it is in the file' : ''}`
  return lab.check(what, async () => {
    const ours: number[] = []
    const linux: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const turn = [async () => ours.push(await run(subject, measurement, OURS))]
      turn.push(async () => linux.push(await run(subject, measurement, LINUX)))
      for (const next of round % 2 === 0 ? turn : turn.reverse()) await next()
    }
    lab.figure(`${name}, split-driver`, amount / median(ours), unit)
    lab.figure(`${name}, xen-blkback`, amount / median(linux), unit)
    lab.figure(`${name}, split-driver / xen-blkback`, median(linux) / median(ours), '×')
  })
}
