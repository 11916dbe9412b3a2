import { readFileSync, statSync } from 'node:fs'
import { EmulatedHost } from '@split-driver/emulator'
import { tracePlatform } from '@split-driver/trace'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect, test } from 'vitest'
import { TraceFile } from '../../src/machine/trace-file.js'
import { ScratchFolder } from '../support/scratch-folder.js'

test.each([
  ['trace.json', /^\{"traceEvents":\[.*"name":"ring xenstore of domain 1".*\n$/],
  ['trace.txt', /^( +\d+\.\d{6} ms {2}domain 0 {2}[a-z]+\.[a-z-]+ .*\n)+$/],
])('%s: what a XenStore daemon did, in a file that is its user’s alone', async (name, content) => {
  using folder = new ScratchFolder()
  {
    await using file = await TraceFile.open(folder.file(name))
    const xenstored = (dom0: EmulatedHost['dom0']) => new XenstoreServer(tracePlatform(dom0, file.recorder))
    await using host = await EmulatedHost.boot({ memoryMiB: 32, xenstored })
    const guest = await host.createGuest({ name: 'guest' })
    await guest.xenstore.write('data/x', '1')
    expect(readFileSync(folder.file(name), 'utf8')).toBe('')
  }
  expect(readFileSync(folder.file(name), 'utf8')).toMatch(content)
  expect(statSync(folder.file(name)).mode & 0o777).toBe(0o600)
  expect(folder.openFiles()).toEqual([])
})

test('a file that cannot be written is refused at once', async () => {
  using folder = new ScratchFolder()
  await expect(TraceFile.open(folder.file('no/such/trace.json'))).rejects.toThrow(/ENOENT/)
})
