import { domid, grantRef, port } from '@split-driver/abi'
import { abiOf, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { expect, test } from 'vitest'
import { DeviceNames } from '../src/device-names.js'

const [guest, dom0] = [domid(3), domid(0)]

test.each([
  [guest, 'device/vbd/51712/ring-ref'],
  [guest, 'device/vbd/51712/ring-ref0'],
  [dom0, '/local/domain/3/device/vbd/51712/ring-ref'],
  [dom0, '/local/domain/3/device/vbd/51712/ring-ref15'],
  [dom0, '/local/domain/3/device/vbd/51712/queue-2/ring-ref'],
])('domain %i, %s: the grant is its ring', (reader, path) => {
  const names = new DeviceNames({})
  names.learn(reader, path, '8')
  expect(names.labelOfRef(guest, guest, grantRef(8))).toBe('vbd/51712')
  expect(names.labelOfRef(dom0, guest, grantRef(8))).toBe('vbd/51712 of domain 3')
  expect(names.labelOfRef(dom0, dom0, grantRef(8))).toBeUndefined()
})

test('the protocol decides how entries are laid out, and is the native one where there is none', () => {
  const names = new DeviceNames({ vbd: abiOf })
  names.learn(guest, 'device/vbd/51712/ring-ref', '8')
  expect(names.layoutsOfRef(guest, grantRef(8))).toBe(X86_64_ABI)
  names.learn(guest, 'device/vbd/51712/protocol', 'x86_32-abi')
  expect(names.layoutsOfRef(guest, grantRef(8))).toBe(X86_32_ABI)
  names.learn(guest, 'device/vbd/51712/protocol', 'riscv')
  expect(names.layoutsOfRef(guest, grantRef(8))).toBeUndefined()
  names.learn(guest, 'device/vif/0/ring-ref', '9')
  expect(names.layoutsOfRef(guest, grantRef(9))).toBeUndefined()
})

test('a port is for what its other end is for, until the number is used again', () => {
  const names = new DeviceNames({})
  names.learn(dom0, '/local/domain/3/device/vbd/51712/event-channel', '5')
  names.learn(dom0, '/local/domain/3/console/port', '2')
  names.bound(dom0, port(19), guest, port(5))
  expect(names.ports()).toEqual([
    { domid: 3, port: 5, label: 'vbd/51712' },
    { domid: 3, port: 2, label: 'console' },
    { domid: 0, port: 19, label: 'vbd/51712 of domain 3' },
  ])
  names.bound(dom0, port(19), guest, port(6))
  names.forgetPort(guest, port(5))
  expect(names.ports()).toEqual([{ domid: 3, port: 2, label: 'console' }])
})

test.each(['', '-1', '0x8', '4294967304', '99999999999', '8 '])('a reference %o is none', (value) => {
  const names = new DeviceNames({})
  names.learn(guest, 'device/vbd/51712/ring-ref', value)
  for (const domain of [guest, domid(4)])
    for (const ref of [2, 8]) expect(names.labelOfRef(domain, domain, grantRef(ref))).toBeUndefined()
})

test('a frontend that publishes ever new numbers costs bounded memory', () => {
  const names = new DeviceNames({})
  for (let ref = 0; ref < 40_000; ref++) names.learn(guest, 'device/vbd/51712/event-channel', `${ref}`)
  expect(names.ports()).toHaveLength(16_384)
  expect(names.ports().at(-1)).toMatchObject({ port: 39_999 })
})
