import { type FileHandle, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { XenError } from '@split-driver/abi'
import { FileBlockStore } from '@split-driver/blkif/node'
import { blockStoreSuite } from '@split-driver/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

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
    offers: [],
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
