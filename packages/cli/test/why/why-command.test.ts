import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RunningCommand, splitDriver } from '../support/command.js'
import { ScratchFolder } from '../support/scratch-folder.js'

const GUEST = join(import.meta.dirname, '..', 'programs', 'disk-guest.mjs')

test('of a machine that runs: why a device does not move, and at the end what domain 0 did', async () => {
  using folder = new ScratchFolder()
  const [socket, trace] = [folder.file('m.sock'), folder.file('trace.json')]
  using machine = RunningCommand.bin(['machine', '--socket', socket, '--memory', '64', '--trace', trace])
  await machine.said('stdout', /^ready$/m)
  writeFileSync(folder.file('disk.img'), new Uint8Array(1 << 16))
  const config = `name='sleeper'; kernel='${GUEST}'; memory=4; disk=['disk.img,,xvda,w']`
  writeFileSync(folder.file('sleeper.cfg'), config)
  expect((await splitDriver('create', '--socket', socket, folder.file('sleeper.cfg'))).code).toBe(0)
  const read = ['xenstore', 'read', '--socket', socket, '/local/domain/1/data/read']
  await expect.poll(async () => (await splitDriver(...read)).stdout, { timeout: 10_000 }).toBe('1\n')

  const disk = await splitDriver('why', '--socket', socket, 'sleeper', 'xvda')
  expect(disk.stdout).toMatch(
    /^sleeper \(domain 1, .{6}\)\n\nvbd\/51712 \(xvda\)\n {2}waits for {3}Nothing: every request/,
  )
  const all = await splitDriver('why', '--socket', socket, '--json', '1')
  const { devices } = JSON.parse(all.stdout) as { devices: { device: string }[] }
  expect(devices.map(({ device }) => device)).toEqual(['xenstore', 'console', 'vbd/51712'])
  const none = await splitDriver('why', '--socket', socket, 'sleeper', 'xvdb')
  expect([none.code, none.stdout]).toEqual([1, ''])
  expect(none.stderr).toMatch(/domain 1 has no device xvdb: it has xenstore, console, vbd\/51712 \(xvda\)/)

  expect((await splitDriver('destroy', '--socket', socket, 'sleeper')).code).toBe(0)
  machine.child.kill('SIGTERM')
  expect((await machine.ended()).code).toBe(0)
  expect(JSON.parse(readFileSync(trace, 'utf8'))).toMatchObject({
    displayTimeUnit: 'ns',
    otherData: { droppedSteps: 0 },
  })
}, 60_000)

test('a trace that cannot be written is refused before anything else', async () => {
  using folder = new ScratchFolder()
  const trace = folder.file('no/such/folder/trace.json')
  const { code, stdout, stderr } = await splitDriver('machine', '--socket', folder.file('m.sock'), '--trace', trace)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/ENOENT.*trace\.json/)
})
