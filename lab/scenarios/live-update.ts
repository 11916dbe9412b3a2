import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { command } from '../src/dom0/command.js'
import { LinuxGuest } from '../src/dom0/linux-guest.js'
import { openDom0 } from '../src/dom0/open-dom0.js'
import { StoreWork } from '../src/dom0/store-work.js'
import type { Scenario } from '../src/scenario.js'

/** A program of Node begins in the middle of this. */
const UPDATE_SECONDS = 240

export const scenario: Scenario = {
  name: 'live-update',
  summary: "our XenStore daemon in the place of Xen's own, which dom0 booted with, under a running guest",
  limitSeconds: 600,
  // From here on it is ours that serves.
  ruinsDom0: true,
  async run(lab) {
    const dom0 = await openDom0(lab)
    const pid = Number(readFileSync('/run/xen/xenstored.pid', 'utf8'))
    const guest = await LinuxGuest.boot(dom0, { name: 'live-update', withXenstore: true })
    const work = await lab.check('a guest is at work in XenStore, and waits for what dom0 tells it', () =>
      StoreWork.start(guest, dom0.xenstore),
    )
    await lab.check('the original in C hands over to ours: the guest goes on', async () => {
      await update('/usr/bin/split-driver', `xenstored --host --log ${lab.folder}/xenstored.log`)
      assert.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /\/split-driver\0xenstored\0.*\0-U\0$/)
      await work.goesOn()
    })
  },
}

/** By Xen's own tool, as an administrator does it. */
const update = (file: string, args: string): Promise<unknown> =>
  command('xenstore-control', ['live-update', '-t', '60', '-c', args, file], { seconds: UPDATE_SECONDS })
