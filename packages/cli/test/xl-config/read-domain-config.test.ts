import { describe, expect, test } from 'vitest'
import { readDomainConfig } from '../../src/xl-config/read-domain-config.js'

const read = (text: string, ...overrides: string[]) => readDomainConfig('/etc/xen/x.cfg', text, overrides)
const config = (text: string, ...overrides: string[]) => read(`name='x'\nkernel='k.mjs'\n${text}`, ...overrides).config

test('as little as there can be, and what xl.cfg(5) says of the rest', () => {
  expect(read("name = 'mini'; kernel = 'mini.mjs'")).toEqual({
    config: {
      name: 'mini',
      kernel: '/etc/xen/mini.mjs',
      commandLine: '',
      memoryMiB: 32,
      vcpus: 1,
      disks: [],
      onPoweroff: 'destroy',
      onReboot: 'restart',
      onCrash: 'destroy',
      onWatchdog: 'destroy',
    },
    warnings: [],
  })
})

test('a file as Mini-OS has it: comments, a kernel, memory, a name', () => {
  const text = `#  -*- mode: python; -*-
#======
# Kernel image
kernel = "mini-os.elf"

# in megabytes
memory = 32
name = "Mini-OS"
on_crash = 'destroy'
`
  expect(read(text)).toMatchObject({ config: { name: 'Mini-OS', kernel: '/etc/xen/mini-os.elf' }, warnings: [] })
})

test('a file as xen-tools writes it: quoted numbers, disks with prefixes, a network, a boot loader', () => {
  const text = `
kernel      = '/boot/vmlinuz-6.1.0-amd64'
ramdisk     = '/boot/initrd.img-6.1.0-amd64'
vcpus       = '2'
memory      = '256'
maxmem      = '512'
root        = '/dev/xvda2 ro'
disk        = [
                  'file:/srv/domains/vm01/disk.img,xvda2,w',
                  'phy:/dev/vg0/vm01-swap,xvda1,w',
              ]
name        = 'vm01.example.org'
vif         = [ 'ip=10.0.0.5 ,mac=00:16:3E:30:33:41' ]
on_poweroff = 'destroy'
on_reboot   = 'restart'
on_crash    = 'restart'
extra = 'elevator=noop'
`
  const { config: domain, warnings } = read(text)
  expect(domain).toMatchObject({
    name: 'vm01.example.org',
    memoryMiB: 256,
    vcpus: 2,
    commandLine: 'root=/dev/xvda2 ro elevator=noop',
    disks: [
      { target: '/srv/domains/vm01/disk.img', vdev: 'xvda2', virtualDevice: 51714, mode: 'w', cdrom: false },
      { target: '/dev/vg0/vm01-swap', vdev: 'xvda1', virtualDevice: 51713, mode: 'w', cdrom: false },
    ],
    onCrash: 'restart',
  })
  expect(warnings).toEqual([
    '/etc/xen/x.cfg:3:1: warning: "ramdisk" has no effect on this machine',
    '/etc/xen/x.cfg:13:1: warning: "vif" has no effect on this machine',
  ])
})

test('a key that nobody knows is told with its place, and ignored', () => {
  expect(read("name='x'\nkernel='k'\nmemroy=64\n").warnings).toEqual([
    '/etc/xen/x.cfg:3:1: warning: "memroy" is no key of xl.cfg(5): it is ignored',
  ])
})

test('a PVH guest runs, and is told how', () => {
  expect(read("name='x'\nkernel='k'\ntype='pvh'").warnings).toEqual([
    '/etc/xen/x.cfg:3:1: warning: the domain runs as a paravirtual one, type="pv"',
  ])
})

describe('values', () => {
  test.each([
    ['memory=0x40', { memoryMiB: 64 }],
    ['memory=0100', { memoryMiB: 64 }],
    ['maxmem=48', { memoryMiB: 48 }],
    ['cmdline="a"; root="b"; extra="c"', { commandLine: 'a' }],
    ['extra="c"', { commandLine: 'c' }],
    ['extra="c"\nextra+=" d"', { commandLine: 'c d' }],
    [
      'disk=["/a,,xvda"]\ndisk+=["b.img,,xvdb,r"]',
      { disks: [{ vdev: 'xvda' }, { target: '/etc/xen/b.img', mode: 'r' }] },
    ],
    ['uuid="62E4F71F-A46C-25F7-E947-F161AAAD6F00"', { uuid: '62e4f71f-a46c-25f7-e947-f161aaad6f00' }],
    [
      'max_event_channels=4095\nmax_grant_frames=32\nmax_maptrack_frames=0x10',
      { maxEventChannels: 4095, maxGrantFrames: 32, maxMaptrackFrames: 16 },
    ],
    ['on_watchdog="coredump-restart"', { onWatchdog: 'coredump-restart' }],
    ['type="pv"', {}],
    ['builder="generic"', {}],
    ['memory=1\nmemory=2', { memoryMiB: 2 }],
  ])('%s', (text, expected) => {
    expect(config(text)).toMatchObject(expected)
  })

  test('what the command line says stands at the end of the file', () => {
    expect(config('memory=64; extra="a"', 'memory=128', 'extra+=" b"; vcpus=2')).toMatchObject({
      memoryMiB: 128,
      vcpus: 2,
      commandLine: 'a b',
    })
  })
})

describe('mistakes, with file, line and column', () => {
  test.each([
    ["kernel='k'", /^\/etc\/xen\/x\.cfg:1:1: "name" is missing/],
    ["name='x'", /^\/etc\/xen\/x\.cfg:1:1: "kernel" is missing; expected a JavaScript module that exports "program"/],
    ["name='7'", /x\.cfg:1:6: "name" is "7"; expected up to 128 characters .* not a number alone/],
    ["name='a/b'", /x\.cfg:1:6: "name" is "a\/b"/],
    [String.raw`name="a\x1b[2J"`, /"name" is "a\\u001b\[2J"/],
    ["name=['x']", /x\.cfg:1:6: "name" has a list here; expected a string or a number/],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })

  test.each([
    ['memory="much"', /x\.cfg:3:8: "memory" is "much"; expected a whole number from 1 to 4095$/],
    ['memory=08', /"memory" is "08"; expected a whole number/],
    ['memory=64\nmaxmem=32', /x\.cfg:4:8: "maxmem" is 32; expected at least as much as "memory", 64/],
    ['vcpus=0', /"vcpus" is "0"; expected a whole number from 1 to 32/],
    ['disk="/a,,xvda"', /x\.cfg:3:6: "disk" is "\/a,,xvda"; expected a list/],
    ['disk=["/a,,xvda",\n "/b,,xvda"]', /x\.cfg:4:2: the domain has two disks xvda/],
    [
      'disk=["/a,qcow2,xvda"]',
      /x\.cfg:3:7: the disk "\/a,qcow2,xvda" asks for the format qcow2, which this machine cannot do/,
    ],
    ['disk=["/a,,xvdz9999"]', /x\.cfg:3:7: the disk .* 'xvdz9999' is no virtual disk's name/],
    ['disk=["/a,,xvda,backend=store"]', /asks for a backend in the domain store/],
    ['disk=[["/a"]]', /x\.cfg:3:7: "disk" has a list here/],
    [
      'disk=["/a"]\ndisk+="b"',
      /x\.cfg:4:7: "disk" is a list since \/etc\/xen\/x\.cfg:3:6; a string cannot be added to it/,
    ],
    ['on_crash="explode"', /"on_crash" is "explode"; expected one of destroy, restart, rename-restart/],
    ['type="hvm"', /x\.cfg:3:6: this machine has no emulated hardware; expected type="pv"/],
    ['builder="hvm"', /x\.cfg:3:9: this machine has no emulated hardware/],
    ['uuid="7"', /"uuid" is "7"; expected 32 hexadecimal digits/],
    [`extra="${'x'.repeat(1024)}"`, /x\.cfg:3:7: the command line has 1024 bytes; expected at most 1023/],
  ])('%s', (text, message) => {
    expect(() => config(text)).toThrow(message)
  })

  test('in what the command line says', () => {
    expect(() => config('', 'memory=much')).toThrow(
      /^argument "memory=much":1:8: found "much"; expected a string in quotes/,
    )
  })
})
