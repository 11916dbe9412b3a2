import {
  MAX_GUEST_CMDLINE,
  START_INFO_MAGIC,
  START_INFO_MAGIC_32,
  StartInfo,
  StartInfo32,
  StartInfoFlag,
} from '@split-driver/abi'
import { expect, it } from 'vitest'

it('a start-of-day page tells the guest its pages, ports and command line', () => {
  const told = {
    magic: START_INFO_MAGIC,
    nrPages: 1024n,
    flags: StartInfoFlag.Privileged | StartInfoFlag.Initdomain,
    storeMfn: 0xffff_ffff_fn,
    storeEvtchn: 1,
    consoleMfn: 77n,
    consoleEvtchn: 2,
    cmdLine: 'console=hvc0 root=/dev/xvda ro',
  }
  expect(StartInfo.read(StartInfo.create(told))).toMatchObject(told)
})

it.each([
  ['xen-3.0-x86_64', true],
  [START_INFO_MAGIC_32, false],
])('the magic %s says 64-bit Xen: %s', (magic, is64Bit) => {
  expect(StartInfo.read(StartInfo.create({ magic })).magic === START_INFO_MAGIC).toBe(is64Bit)
})

it('a command line has 1023 bytes at most', () => {
  const longest = 'x'.repeat(MAX_GUEST_CMDLINE - 1)
  expect(StartInfo.at.cmdLine.get(StartInfo.create({ cmdLine: longest }), 0)).toBe(longest)
  expect(() => StartInfo.create({ cmdLine: `${longest}x` })).toThrow(RangeError)
})

it('the page of a 32-bit guest says the same, in words of its own width', () => {
  const told = { magic: START_INFO_MAGIC_32, nrPages: 1024, storeMfn: 0xffff_ffff, storeEvtchn: 1, cmdLine: 'quiet' }
  expect(StartInfo32.read(StartInfo32.create(told))).toMatchObject(told)
})
