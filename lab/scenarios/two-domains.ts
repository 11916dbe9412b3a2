import assert from 'node:assert/strict'
import { Daemon } from '../src/dom0/daemon.js'
import { DiskImage } from '../src/dom0/disk-image.js'
import { LinuxGuest } from '../src/dom0/linux-guest.js'
import { openDom0 } from '../src/dom0/open-dom0.js'
import { until } from '../src/dom0/patience.js'
import { ProcessHoldings } from '../src/dom0/process-holdings.js'
import { OUR_KIND } from '../src/dom0/virtual-disk.js'
import { BLOCK_BYTES, numberedBlock } from '../src/guest/numbered-block.js'
import type { Lab, Scenario } from '../src/scenario.js'

const DISK_BYTES = 8 << 20
const SEED = 8
const PROGRAM = '/split-driver/lab/dist/src/guest/split-disk.js'
/** How many blocks have to be durable before the frontend's process is killed. */
const DURABLE = 12
const PATIENCE = 60

export const scenario: Scenario = {
  name: 'two-domains',
  summary: 'one program in two domains: our frontend in a guest that runs Node, our backend in dom0',
  limitSeconds: 240,
  async run(lab) {
    const dom0 = await openDom0(lab)
    const image = DiskImage.create(`${lab.folder}/disk.img`, DISK_BYTES, SEED)
    const backend = await Daemon.start('node', [PROGRAM, 'backend', OUR_KIND, image.path], { ready: /"ready":true/ })
    lab.atEnd(() => backend.stop())
    const idle = await ProcessHoldings.of(backend.pid)
    const guest = await lab.check('a Linux guest without blkfront boots, with Node and /dev/xen', () =>
      LinuxGuest.boot(dom0, {
        name: 'two-domains',
        withNode: true,
        disks: [{ name: 'xvda', path: image.path, by: 'split-driver' }],
      }),
    )
    await checkHalves(lab, { guest, backend, image })
    await checkKill(lab, { guest, backend, image })
    await lab.check("the guest is destroyed, and dom0's half holds nothing of it", async () => {
      await guest.destroy()
      await idle.restored(PATIENCE)
    })
  },
}

interface TwoHalves {
  readonly guest: LinuxGuest
  readonly backend: Daemon
  readonly image: DiskImage
}

/** What one half says of itself, all its lines together. */
type Facts = Readonly<Record<string, unknown>>

const factsOf = (output: string): Facts =>
  Object.assign(
    {},
    ...output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line)),
  )

const checkHalves = async (lab: Lab, { guest, backend, image }: TwoHalves): Promise<void> => {
  const before = image.sha256()
  const frontend = await lab.check(
    "the guest's half reads the disk, writes, reads back, flushes and closes",
    async () => factsOf(await guest.output(`node ${PROGRAM} frontend verify ${SEED + 1}`)),
  )
  await lab.check('each half runs in a domain of its own and names the other', () => {
    const { half, domid, otherend } = factsOf(backend.said)
    assert.deepEqual({ half, domid, otherend }, { half: 'backend', domid: 0, otherend: guest.domid })
    assert.deepEqual([frontend['half'], frontend['domid'], frontend['otherend']], ['frontend', guest.domid, 0])
    assert.notEqual(guest.domid, 0)
  })
  await lab.check(
    "SHA-256 before and after the guest's writes equals the image's in dom0; nothing is left open",
    () => {
      assert.equal(frontend['before'], before)
      assert.equal(frontend['after'], image.sha256())
      assert.notEqual(frontend['after'], before)
      assert.deepEqual(frontend['left'], [])
    },
  )
}

const checkKill = async (lab: Lab, { guest, backend, image }: TwoHalves): Promise<void> => {
  const last = await lab.check("the guest's Node is killed (-9) in the middle of its writes", async () => {
    await guest.output(`node ${PROGRAM} frontend endless >/tmp/endless 2>&1 & echo $! >/tmp/pid`)
    const durable = async () => Number(factsOf(await guest.output('cat /tmp/endless'))['durable'] ?? -1)
    await until(PATIENCE, `${DURABLE} durable blocks`, async () => (await durable()) >= DURABLE)
    await guest.output('kill -9 $(cat /tmp/pid); while kill -0 $(cat /tmp/pid) 2>/dev/null; do usleep 50000; done')
    return durable()
  })
  await lab.check(`all ${last + 1} blocks that it had been told are durable are in the image`, () => {
    for (let i = 0; i <= last; i++) {
      const block = image.read({ position: i * BLOCK_BYTES, byteLength: BLOCK_BYTES })
      assert.deepEqual(Buffer.from(block), numberedBlock(i))
    }
  })
  await lab.check("a new process in the guest takes the disk over from the dead one's ring", async () => {
    const { before, after, left } = factsOf(await guest.output(`node ${PROGRAM} frontend verify ${SEED + 2}`))
    assert.equal(after, image.sha256())
    assert.notEqual(after, before)
    assert.deepEqual(left, [])
    assert.ok(backend.running, backend.said)
  })
}
