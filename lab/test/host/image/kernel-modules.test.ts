import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { dependsField, KernelModules } from '../../../src/host/image/kernel-modules.js'

const modinfo = (depends: string) => Buffer.from(`\x7fELF\0license=GPL\0depends=${depends}\0name=x\0`, 'latin1')

function modulesWith(files: Record<string, string>): KernelModules {
  const folder = mkdtempSync(join(tmpdir(), 'modules-'))
  for (const [name, depends] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), modinfo(depends))
  }
  return new KernelModules(folder)
}

const some = modulesWith({
  'kernel/fs/ext4/ext4.ko': 'jbd2,mbcache,crc16',
  'kernel/fs/jbd2/jbd2.ko': 'crc16',
  'kernel/fs/mbcache.ko': '',
  'kernel/lib/crc16.ko': '',
  'kernel/drivers/block/xen-blkfront.ko': '',
  'modules.order': '',
})

it.each([
  ['', []],
  ['crc16', ['crc16']],
  ['a-b,c', ['a_b', 'c']],
])('depends=%s names %j', (field, names) => {
  expect(dependsField(modinfo(field))).toEqual(names)
})

it('a file without the field depends on nothing', () => {
  expect(dependsField(Buffer.from('nothing here'))).toEqual([])
})

it('each module comes behind those that it needs, and once', () => {
  const files = some.withDependencies(['ext4', 'jbd2'])
  expect(files.map((file) => file.replace(/.*\//, ''))).toEqual(['crc16.ko', 'jbd2.ko', 'mbcache.ko', 'ext4.ko'])
})

it('a hyphen and an underscore are the same in a name', () => {
  expect(some.withDependencies(['xen_blkfront'])).toEqual(['kernel/drivers/block/xen-blkfront.ko'])
})

it('what is built into the kernel has no file', () => {
  expect(some.withDependencies(['ipv6'])).toEqual([])
})

it('a circle is told, not followed for ever', () => {
  expect(() => modulesWith({ 'a.ko': 'b', 'b.ko': 'a' }).withDependencies(['a'])).toThrow(/circle: a, b/)
})

it('the list for modprobe names what must be loaded before, nearest first', () => {
  expect(some.dependencyList(['kernel/fs/jbd2/jbd2.ko', 'kernel/fs/mbcache.ko'])).toBe(
    'kernel/fs/jbd2/jbd2.ko: kernel/lib/crc16.ko\nkernel/fs/mbcache.ko:\n',
  )
})
