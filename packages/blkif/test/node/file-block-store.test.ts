import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { XenError } from '@split-driver/abi'
import { FileBlockStore } from '@split-driver/blkif/node'
import { blockStoreSuite } from '@split-driver/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nextTurnClock } from '../fakes/next-turn-clock.js'

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'block-store-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = async (content: Uint8Array): Promise<string> => {
  const path = join(folder, `${files++}.img`)
  await writeFile(path, content)
  return path
}

describe.each([{ asynchronous: false }, { asynchronous: true }])('FileBlockStore, %j', ({ asynchronous }) => {
  blockStoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    offers: process.platform === 'linux' ? ['discard', 'writeZeroes'] : [],
    factory: async (content, options) => FileBlockStore.open(await file(content), { ...options, asynchronous }),
  })

  test('what one store wrote and flushed, the next one reads', async () => {
    const path = await file(new Uint8Array(4096))
    {
      await using store = await FileBlockStore.open(path, { asynchronous })
      await store.write(512, [new Uint8Array(512).fill(9)])
      await store.flush()
    }
    await using again = await FileBlockStore.open(path, { readOnly: true })
    const target = new Uint8Array(1536)
    await again.read(0, [target])
    expect([target[511], target[512], target[1023], target[1024]]).toEqual([0, 9, 9, 0])
  })

  test('a file made shorter in use is EIO, not an endless loop', async () => {
    const path = await file(new Uint8Array(4096))
    await using store = await FileBlockStore.open(path, { asynchronous })
    await truncate(path, 1024)
    await expect(async () => store.read(512, [new Uint8Array(1024)])).rejects.toThrow(/^EIO/)
  })
})

describe('FileBlockStore.open says what is wrong and what to do', () => {
  test('with a missing file', async () => {
    await expect(FileBlockStore.open(join(folder, 'none.img'))).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('none.img'),
    })
  })

  test('with a size that is no multiple of 512: path, size and advice', async () => {
    const path = await file(new Uint8Array(1000))
    const message = expect.stringMatching(`${path} has 1000 bytes.*truncate -s %512 ${path}`)
    await expect(FileBlockStore.open(path)).rejects.toMatchObject({ code: 'EINVAL', message })
  })

  test('with an empty file', async () => {
    await expect(FileBlockStore.open(await file(new Uint8Array(0)))).rejects.toThrow(/is empty/)
  })

  test('with a folder', async () => {
    await expect(FileBlockStore.open(folder, { readOnly: true })).rejects.toMatchObject({ code: 'EINVAL' })
    await expect(FileBlockStore.open(folder)).rejects.toMatchObject({ code: 'EISDIR' })
  })

  test('with a character device', async () => {
    await expect(FileBlockStore.open('/dev/null')).rejects.toThrow(/neither a file nor a block device/)
  })

  test('with the reason of whoever judges the opened file; it is closed again', async () => {
    const path = await file(new Uint8Array(512))
    let opened: FileHandle | undefined
    const accept = async (handle: FileHandle) => {
      opened = handle
      expect((await handle.stat()).size).toBe(512)
      throw new XenError('EACCES', 'not this one')
    }
    await expect(FileBlockStore.open(path, { accept })).rejects.toThrow('EACCES: not this one')
    expect(opened?.fd).toBe(-1)
  })
})

describe.runIf(process.platform === 'linux')('FileBlockStore on Linux', () => {
  const busy = (path: string, options = {}) => FileBlockStore.open(path, options)

  test('gives what is discarded back to the file system', async () => {
    const path = await file(new Uint8Array(1 << 20).fill(1))
    await using store = await FileBlockStore.open(path)
    await store.flush()
    const before = (await stat(path)).blocks
    await store.discard!(65_536, 524_288)
    await store.flush()
    expect(before - (await stat(path)).blocks).toBe(1024)
    expect((await stat(path)).size).toBe(1 << 20)
  })

  test('one writer keeps everybody else out, readers keep out who would write', async () => {
    const path = await file(new Uint8Array(512))
    {
      await using _writer = await FileBlockStore.open(path)
      await expect(busy(path)).rejects.toThrow(/^EBUSY: the disk .* is in use by this program: .*"shared"/)
      await expect(busy(path, { readOnly: true })).rejects.toThrow(/^EBUSY: .* is being written by this program/)
      await using _shared = await busy(path, { shared: true })
    }
    await using _reader = await busy(path, { readOnly: true })
    await using _other = await busy(path, { readOnly: true })
    await expect(busy(path)).rejects.toThrow(/^EBUSY/)
  })

  test('names the process that holds it', async () => {
    const path = await file(new Uint8Array(512))
    const holder = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo locked; exec cat'])
    await once(holder.stdout, 'data')
    await expect(busy(path)).rejects.toThrow(/^EBUSY: the disk .* is in use by process \d+/)
    holder.stdin.end()
    await once(holder, 'close')
    await using _free = await busy(path)
  })

  test('waits for a lock as long as it was told to', async () => {
    const path = await file(new Uint8Array(512))
    const first = await busy(path)
    const patience = { clock: { ...nextTurnClock, now: () => performance.now() }, milliseconds: 20_000 }
    const waiting = busy(path, { lockPatience: patience })
    await first[Symbol.asyncDispose]()
    await using _second = await waiting
    await expect(busy(path, { lockPatience: { ...patience, milliseconds: 50 } })).rejects.toThrow(/^EBUSY/)
  })

  test('finds out that it has become larger, and keeps its size where the new one is no disk’s', async () => {
    const path = await file(new Uint8Array(4096))
    await using store = await FileBlockStore.open(path)
    await truncate(path, 8192)
    await store.refreshSize()
    expect(store.byteLength).toBe(8192)
    await store.write(7680, [new Uint8Array(512)])
    await truncate(path, 8000)
    await expect(store.refreshSize()).rejects.toThrow(/^EINVAL/)
    expect(store.byteLength).toBe(8192)
  })
})
