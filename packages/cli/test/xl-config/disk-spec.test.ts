import { describe, expect, test } from 'vitest'
import { parseDiskSpec } from '../../src/xl-config/disk-spec.js'
import { vdevNumber } from '../../src/xl-config/virtual-device-number.js'

const volume = { target: '/dev/vg/guest-volume', format: 'raw', vdev: 'hda', access: 'w', cdrom: false }
const disc = { target: '/srv/image.iso', format: 'raw', vdev: 'hdc', access: 'r', cdrom: true }

describe('xl-disk-configuration(5): the same disk in each form', () => {
  test.each([
    '/dev/vg/guest-volume,,hda',
    '/dev/vg/guest-volume,raw,hda,rw',
    'format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume',
    'raw:/dev/vg/guest-volume,hda,w',
    'phy:/dev/vg/guest-volume,hda,w',
    'tap:aio:/dev/vg/guest-volume,hda,w',
    'vdev=hda,/dev/vg/guest-volume',
    ' /dev/vg/guest-volume, ,hda',
    ',,hda,,target=/dev/vg/guest-volume',
  ])('%s', (text) => {
    expect(parseDiskSpec(text)).toMatchObject(volume)
  })

  test.each([
    '/srv/image.iso,,hdc,cdrom',
    '/srv/image.iso,,hdc,,cdrom',
    '/srv/image.iso,raw,hdc,devtype=cdrom',
    'format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/srv/image.iso',
    'raw:/srv/image.iso,hdc:cdrom,ro',
  ])('%s', (text) => {
    expect(parseDiskSpec(text)).toMatchObject(disc)
  })
})

test.each([
  ['file:/srv/swap.img,hda1,w', { target: '/srv/swap.img', vdev: 'hda1', access: 'w' }],
  ['/d.qcow2,qcow2,xvda,r', { format: 'qcow2', access: 'r' }],
  ['qcow2:/d,xvda,r', { format: 'qcow2', access: 'r' }],
  [',hdc:cdrom,r', { target: '', format: 'empty', vdev: 'hdc', cdrom: true }],
  ['vdev=hdc,cdrom', { target: '', format: 'empty', cdrom: true }],
  ['iscsi:iqn.2001-05.x,xvda,w', { script: 'block-iscsi', target: 'iqn.2001-05.x' }],
  ['vdev=xvda,target=/a,b:c=d ', { target: '/a,b:c=d ' }],
  ['/a,,xvda,w,backend=storage,backendtype=qdisk', { backend: 'storage', backendType: 'qdisk' }],
  ['/a,,xvda,discard,no-discard,direct-io-safe,untrusted', { flags: ['no-discard', 'direct-io-safe', 'untrusted'] }],
])('%s', (text, expected) => {
  expect(parseDiskSpec(text)).toMatchObject(expected)
})

test('the parts of block-attach make one specification', () => {
  expect(parseDiskSpec('phy:/dev/vg/guest-volume', 'hda', 'w')).toMatchObject(volume)
})

test.each([
  ['', 'names no virtual device'],
  ['/a,raw', 'names no virtual device'],
  [',,xvda', 'names no target'],
  ['/a,,xvda,w,x', 'one thing too many: "x"'],
  ['/a,,xvda,z', 'says access=z; expected one of r, ro, w, rw'],
  ['/a,tar,xvda', 'says format=tar'],
  ['/a,,xvda,vdev=xvdb', 'says vdev twice: "xvda" and "xvdb"'],
  ['/a,,xvda,colour=red', 'has the parameter "colour"'],
  ['/a,,xvda,constructor=red', 'has the parameter "constructor"'],
  ['/a,,xvda,devtype=tape', 'says devtype=tape; expected one of cdrom, disk'],
  ['foo:/a,xvda,w', 'the prefix "foo:"'],
  ['/a,,hdc:tape,r', 'says devtype=tape'],
])('%j is refused', (text, message) => {
  expect(() => parseDiskSpec(text)).toThrow(message)
})

test.each([
  ['xvda', 51712],
  ['xvdb2', 51730],
  ['51712', 51712],
  ['0xca00', 51712],
  ['d0', 51712],
  ['d1p2', 51730],
  ['d16', (1 << 28) | (16 << 8)],
  ['hda', 768],
  ['sda', 2048],
])('xen-vbd-interface(7): %s is %i', (text, number) => {
  expect(vdevNumber(text)).toBe(number)
})

test.each(['xvd', 'd', 'd0p300', 'd9999999', '999999999', 'hda,'])('%s is no virtual device', (text) => {
  expect(() => vdevNumber(text)).toThrow(RangeError)
})
