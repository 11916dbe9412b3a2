import assert from 'node:assert/strict'
import { SeededRandom } from '@split-driver/conformance'
import type { AttachedDevice } from '@split-driver/xenbus'
import { checkDurability } from '../src/dom0/block/check-durability.js'
import { checkFileSystem } from '../src/dom0/block/check-file-system.js'
import type { Daemon } from '../src/dom0/daemon.js'
import { DiskImage } from '../src/dom0/disk-image.js'
import { LinuxGuest } from '../src/dom0/linux-guest.js'
import { openDom0 } from '../src/dom0/open-dom0.js'
import { startBlkback } from '../src/dom0/our-daemons.js'
import { until } from '../src/dom0/patience.js'
import { patternBytes, randomPatternWrites, shellWrites } from '../src/dom0/pattern-writes.js'
import { ProcessHoldings } from '../src/dom0/process-holdings.js'
import type { Lab, Scenario } from '../src/scenario.js'

const MIB = 1 << 20
const SEED = 3
const RANDOM_WRITES = 48
/** Seconds in which a disk that was attached or detached has to show. */
const HOTPLUG_SECONDS = 30

export const scenario: Scenario = {
  name: 'block-linux',
  summary: "Linux's xen-blkfront on our block backend: data, durability, file system, hot plug, death",
  limitSeconds: 300,
  async run(lab) {
    const dom0 = await openDom0(lab)
    const daemon = await startBlkback(lab)
    const idle = await ProcessHoldings.of(daemon.pid)
    const image = (name: string, mebibytes: number, seed?: number) =>
      DiskImage.create(`${lab.folder}/${name}.img`, mebibytes * MIB, seed)
    const disks = {
      xvda: image('data', 16, SEED),
      xvdb: image('file-system', 64),
      xvdc: image('read-only', 8, SEED + 1),
    }
    const guest = await lab.check('a Linux guest boots with three disks of ours', () =>
      LinuxGuest.boot(dom0, {
        name: 'block-linux',
        disks: Object.entries(disks).map(([name, { path }]) => {
          return { name, path, mode: name === 'xvdc' ? 'r' : 'w', by: 'split-driver' }
        }),
      }),
    )
    await checkContents(lab, guest, disks)
    await checkRandomWrites(lab, guest, disks.xvda)
    await checkReadOnly(lab, guest, disks.xvdc)
    await checkDurability(lab, { guest, daemon, device: '/dev/xvda', image: disks.xvda })
    await checkFileSystem(lab, { guest, device: '/dev/xvdb', image: disks.xvdb })
    await checkHotPlug(lab, { guest, daemon, image: image('hot', 4, SEED + 2) })
    await checkDeath(lab, { guest, daemon, image: disks.xvda, idle })
  },
}

type Disks = Readonly<Record<string, DiskImage>>

const checkContents = async (lab: Lab, guest: LinuxGuest, disks: Disks): Promise<void> => {
  const expected = Object.entries(disks).map(([name, image]) => `${image.sha256()}  /dev/${name}`)
  await lab.check("all three at once: each whole disk's SHA-256 in the guest equals dom0's", async () => {
    const names = Object.keys(disks)
    const hashes = names.map((name) => `sha256sum /dev/${name} >/tmp/${name} &`).join('\n')
    const output = await guest.output(`${hashes}\nwait\ncat ${names.map((name) => `/tmp/${name}`).join(' ')}`)
    assert.deepEqual(output.split('\n'), expected)
  })
}

const checkRandomWrites = async (lab: Lab, guest: LinuxGuest, image: DiskImage): Promise<void> => {
  const random = new SeededRandom(SEED)
  const model = image.read()
  await lab.check(
    `${RANDOM_WRITES} random writes of the guest, half of them direct, are all in dom0's image`,
    async () => {
      const writes = randomPatternWrites(random, image.byteLength, RANDOM_WRITES)
      await guest.output(shellWrites('/dev/xvda', writes))
      for (const write of writes) model.set(patternBytes(write), write.position)
      assert.deepEqual(image.differences(model), [])
    },
  )
  await lab.check(`${RANDOM_WRITES} random changes of the image by dom0 are what the guest reads then`, async () => {
    for (const write of randomPatternWrites(random, image.byteLength, RANDOM_WRITES))
      image.write(write.position, patternBytes(write))
    const output = await guest.output('blockdev --flushbufs /dev/xvda; sha256sum </dev/xvda')
    assert.equal(output, `${image.sha256()}  -`)
  })
}

const checkReadOnly = async (lab: Lab, guest: LinuxGuest, image: DiskImage): Promise<void> => {
  await lab.check('a read-only disk refuses writes, and its image is unchanged', async () => {
    const before = image.sha256()
    assert.equal(await guest.output('cat /sys/block/xvdc/ro /sys/block/xvda/ro'), '1\n0')
    const { status, output } = await guest.run('dd if=/dev/urandom of=/dev/xvdc bs=4096 count=1 conv=fsync')
    assert.notEqual(status, 0, output)
    assert.match(output, /Operation not permitted|Read-only/)
    assert.equal(image.sha256(), before)
  })
}

interface HotPlug {
  readonly guest: LinuxGuest
  readonly daemon: Daemon
  readonly image: DiskImage
}

const checkHotPlug = async (lab: Lab, { guest, daemon, image }: HotPlug): Promise<void> => {
  const before = await ProcessHoldings.of(daemon.pid)
  const appears = (there: boolean) =>
    until(HOTPLUG_SECONDS, `/dev/xvdd to ${there ? 'come' : 'go'}`, async () => {
      return ((await guest.run('test -b /dev/xvdd')).status === 0) === there
    })
  const device = await lab.check('a disk that is attached to the running guest appears there, whole', async () => {
    const attached: AttachedDevice = await guest.attach({ name: 'xvdd', path: image.path, by: 'split-driver' })
    await appears(true)
    assert.equal(await guest.output('sha256sum </dev/xvdd'), `${image.sha256()}  -`)
    return attached
  })
  await lab.check('it is detached: gone in the guest, and the daemon holds nothing of it any more', async () => {
    assert.notDeepEqual((await ProcessHoldings.of(daemon.pid)).beyond(before), [])
    await device.detach(AbortSignal.timeout(HOTPLUG_SECONDS * 1000))
    await appears(false)
    await before.restored(HOTPLUG_SECONDS)
  })
}

interface Death extends HotPlug {
  /** What the daemon held before there was a guest. */
  readonly idle: ProcessHoldings
}

const checkDeath = async (lab: Lab, { guest, daemon, image, idle }: Death): Promise<void> => {
  await lab.check('the guest is destroyed in the middle of reads and writes on three disks', async () => {
    const load = (command: string) => `(while true; do ${command}; done) >/dev/null 2>&1 &`
    const head = () => image.sha256({ position: 0, byteLength: MIB })
    const before = head()
    await guest.output(
      [
        load('dd if=/dev/urandom of=/dev/xvda bs=64k count=64 oflag=direct conv=notrunc'),
        load('dd if=/dev/urandom of=/dev/xvdb bs=4k count=256 conv=notrunc,fsync'),
        load('dd if=/dev/xvdc of=/dev/null bs=256k iflag=direct'),
      ].join('\n'),
    )
    await until(HOTPLUG_SECONDS, 'the writes to reach the image', () => head() !== before)
    const held = await ProcessHoldings.of(daemon.pid)
    for (const kind of ['event channel', 'mapping of /dev/xen/gntdev'])
      assert.ok(held.count(kind) > idle.count(kind), kind)
    await guest.destroy()
  })
  await lab.check('its backend goes on, and holds no mapping, port or descriptor of it', async () => {
    assert.ok(daemon.running, daemon.said)
    await idle.restored(HOTPLUG_SECONDS)
  })
}
