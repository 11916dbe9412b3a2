import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@split-driver/conformance'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DiskImage } from '../../src/dom0/disk-image.js'
import { patternBytes, randomPatternWrites, shellWrites } from '../../src/dom0/pattern-writes.js'

const DISK_BYTES = 1 << 20

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'disk-image-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('contents follow from the seed', () => {
  const images = [1, 1, 2].map((seed, i) => DiskImage.create(join(folder, `${i}`), DISK_BYTES + 4096, seed))
  const [first, second, other] = images.map((image) => image.sha256())
  expect(first).toBe(second)
  expect(first).not.toBe(other)
  expect(execFileSync('sha256sum', [images[0]!.path], { encoding: 'utf8' }).slice(0, 64)).toBe(first)
})

test('a range s hash and differences are of that place', () => {
  const image = DiskImage.create(join(folder, 'a'), DISK_BYTES)
  const zeros = image.sha256({ position: 0, byteLength: 512 })
  image.write(512, Buffer.from('x'))
  expect(image.sha256({ position: 0, byteLength: 512 })).toBe(zeros)
  expect(image.sha256({ position: 512, byteLength: 512 })).not.toBe(zeros)
  expect(image.differences(new Uint8Array(DISK_BYTES))).toEqual([512])
})

test('nothing is written or read beyond the end', () => {
  const image = DiskImage.create(join(folder, 'a'), 4096)
  expect(() => image.write(4000, new Uint8Array(97))).toThrow(RangeError)
  expect(() => image.read({ position: 4000, byteLength: 97 })).toThrow(RangeError)
})

test('pattern writes are whole sectors within the disk, and a shell is told all of them', () => {
  const writes = randomPatternWrites(new SeededRandom(4), DISK_BYTES, 200)
  for (const { position, byteLength } of writes) {
    expect([position % 512, byteLength % 512]).toEqual([0, 0])
    expect(position + byteLength).toBeLessThanOrEqual(DISK_BYTES)
  }
  expect(writes.some(({ direct }) => direct)).toBe(true)
  expect(Buffer.from(patternBytes(writes[0]!)).toString()).toMatch(new RegExp(`^(${writes[0]!.line}\n)+`))
  const commands = shellWrites('/dev/xvda', writes)
  for (const { line } of writes) expect(commands).toContain(`yes '${line}' | dd of=/dev/xvda`)
  expect(commands.match(/ seek=\d+ /g)).toEqual(writes.map(({ position }) => ` seek=${position} `))
})
