import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { command } from '../src/dom0/command.js'
import { Daemon } from '../src/dom0/daemon.js'
import { DiskImage } from '../src/dom0/disk-image.js'
import { LinuxGuest } from '../src/dom0/linux-guest.js'
import { type OpenDom0, openDom0 } from '../src/dom0/open-dom0.js'
import { until } from '../src/dom0/patience.js'
import { ProcessHoldings } from '../src/dom0/process-holdings.js'
import { LoopDevice } from '../src/dom0/virtual-disk.js'
import type { Lab, Scenario } from '../src/scenario.js'

const DISK_MIB = 8
const SEED = 55
/** Seconds in which what the machine tells has to have its effect. */
const SOON_SECONDS = 30
const LIBXL_SECONDS = 120

export const scenario: Scenario = {
  name: 'xenstored',
  summary: "our XenStore daemon in place of Xen's: dom0, unmodified libxl, a Linux guest and its disk",
  limitSeconds: 420,
  storeDaemon: 'split-driver',
  async run(lab) {
    const dom0 = await openDom0(lab)
    const pid = Number(readFileSync('/run/xen/xenstored.pid', 'utf8'))
    await checkDom0(lab, dom0, pid)
    await lab.check("Xen's own test-xenstore passes", () => command('/usr/lib/xen/bin/test-xenstore', ['-i', '5']))
    const ends = await watchEnds(lab)
    const idle = await ProcessHoldings.of(pid)
    const image = DiskImage.create(`${lab.folder}/disk.img`, DISK_MIB << 20, SEED)
    const guest = await lab.check('xl create: a Linux guest boots with a disk that libxl gave it', () =>
      bootGuest(lab, dom0, image),
    )
    await checkGuest(lab, { dom0, guest, image })
    await checkLiveUpdate(lab, { dom0, guest, pid })
    await checkShutdown(lab, guest, ends)
    await checkDestruction(lab, { dom0, guest, ends, idle })
  },
}

const checkDom0 = (lab: Lab, { xenstore }: OpenDom0, pid: number): Promise<void> =>
  lab.check('dom0 has booted with our daemon: its kernel, xen-init-dom0 and xl speak to it', async () => {
    assert.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /split-driver\0xenstored/)
    assert.equal(await xenstore.read('/local/domain/0/domid'), '0')
    // Linux writes this through dom0's ring, when its xenbus driver has seen that somebody answers there.
    assert.equal(await xenstore.read('/local/domain/0/control/feature-poweroff'), '1')
    assert.match((await command('xl', ['list'])).output, /^Domain-0 +0 /m)
  })

/** Lines of `xenstore-watch @releaseDomain`: the first tells that the watch is there, each further one of an end. */
interface Ends {
  count(): number
}

const watchEnds = async (lab: Lab): Promise<Ends> => {
  const watch = await Daemon.start('xenstore-watch', ['@releaseDomain'], { ready: /@releaseDomain/ })
  lab.atEnd(() => watch.kill())
  return { count: () => watch.said.trim().split('\n').length - 1 }
}

/** In place of Xen's own hotplug script, which wants a shell and tools that dom0 here does not have. */
const BLOCK_SCRIPT = `#!/bin/sh
[ "$1" = add ] || exit 0
device=$(xenstore-read "$XENBUS_PATH/params")
numbers=$(stat -c %t:%T "$device")
xenstore-write "$XENBUS_PATH/physical-device" "$numbers" "$XENBUS_PATH/hotplug-status" connected
`

const bootGuest = async (lab: Lab, dom0: OpenDom0, image: DiskImage): Promise<LinuxGuest> => {
  const loop = await LoopDevice.over(image.path)
  lab.atEnd(() => loop.detach())
  const script = `${lab.folder}/block`
  writeFileSync(script, BLOCK_SCRIPT)
  chmodSync(script, 0o755)
  const disk = `format=raw, vdev=xvda, access=rw, backendtype=phy, script=${script}, target=${loop.path}`
  return LinuxGuest.boot(dom0, { name: 'xenstored', xlDisks: [disk], withXenstore: true })
}

interface Subject {
  readonly dom0: OpenDom0
  readonly guest: LinuxGuest
  readonly image: DiskImage
}

const checkGuest = async (lab: Lab, { dom0, guest, image }: Subject): Promise<void> => {
  const { domid, name } = guest
  const home = `/local/domain/${domid}`
  await lab.check('xl list and xl block-list show it, its disk connected', async () => {
    assert.match((await command('xl', ['list'])).output, new RegExp(`^${name} +${domid} `, 'm'))
    assert.match((await command('xl', ['block-list', name])).output, /^51712 +0 +\d+ +4 /m)
  })
  await lab.check("the whole disk's SHA-256 in the guest equals dom0's", async () => {
    assert.equal(await guest.output('sha256sum </dev/xvda'), `${image.sha256()}  -`)
  })
  await lab.check('the guest reads and writes its own part of XenStore, and no other', async () => {
    assert.equal(await guest.output('xenstore read name'), name)
    assert.equal(await guest.output(`xenstore read ${home}/domid`), String(domid))
    await guest.output('xenstore write data/word "from the guest"')
    assert.equal(await dom0.xenstore.read(`${home}/data/word`), 'from the guest')
    assert.notEqual((await guest.run('xenstore write /tool/word x')).status, 0)
    assert.notEqual((await guest.run('xenstore ls /local/domain/0/backend')).status, 0)
  })
}

interface Updated extends Omit<Subject, 'image'> {
  readonly pid: number
}

/** Whatever is shown after this is shown of the new program. */
const checkLiveUpdate = (lab: Lab, { dom0, guest, pid }: Updated): Promise<void> =>
  lab.check(
    "live update by Xen's xenstore-control: another program goes on; neither the guest nor dom0 connects anew",
    async () => {
      const { domid } = guest
      await guest.output('xenstore watch data/live >/tmp/told & until grep -q live /tmp/told; do usleep 100000; done')
      const args = ['live-update', '-t', '30', '/usr/bin/split-driver']
      await command('xenstore-control', args, { seconds: LIBXL_SECONDS })
      assert.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /\0-U\0/)
      await dom0.xenstore.write(`/local/domain/${domid}/data/live`, 'after')
      await guest.output('until [ $(wc -l </tmp/told) -gt 1 ]; do usleep 100000; done; killall xenstore')
      assert.equal(await guest.output('xenstore read data/live'), 'after')
    },
  )

const checkShutdown = (lab: Lab, { name }: LinuxGuest, ends: Ends): Promise<void> =>
  lab.check('xl shutdown -w: the guest is asked through XenStore, and xl hears of its end, once', async () => {
    const before = ends.count()
    const { complaint } = await command('xl', ['shutdown', '-w', name], { seconds: LIBXL_SECONDS })
    assert.match(complaint, /has been shut down, reason code 0/)
    await until(SOON_SECONDS, '@releaseDomain', () => ends.count() > before)
    assert.equal(ends.count() - before, 1)
  })

/** What the daemon has of a guest. Descriptors are those of the program that it was before its live update. */
const HELD = ['mapping of /dev/xen/gntdev', 'event channel']

interface Destruction extends Omit<Subject, 'image'> {
  readonly ends: Ends
  /** What the daemon held before there was a guest. */
  readonly idle: ProcessHoldings
}

const checkDestruction = (lab: Lab, { dom0, guest, ends, idle }: Destruction): Promise<void> =>
  lab.check(
    'xl destroy: nothing that it owned and no right of it is left, and no page or port of it held',
    async () => {
      const { domid } = guest
      const { xenstore } = dom0
      await xenstore.write('/tool/lab/owned', 'by the guest')
      await xenstore.setPermissions('/tool/lab/owned', [{ domid, kind: 'none' }])
      await xenstore.setPermissions('/tool/lab', [
        { domid: dom0.platform.domid, kind: 'none' },
        { domid, kind: 'read' },
      ])
      lab.atEnd(() => xenstore.rm('/tool/lab'))
      const before = ends.count()
      await guest.destroy()
      await until(SOON_SECONDS, 'its page and its port to be given up', async () => {
        const held = await ProcessHoldings.of(idle.pid)
        return HELD.every((kind) => held.count(kind) === idle.count(kind))
      })
      assert.equal(ends.count() - before, 1)
      assert.equal(await xenstore.tryRead(`/local/domain/${domid}`), undefined)
      assert.deepEqual(await xenstore.directory('/tool/lab'), [])
      assert.deepEqual(await xenstore.getPermissions('/tool/lab'), [{ domid: dom0.platform.domid, kind: 'none' }])
    },
  )
