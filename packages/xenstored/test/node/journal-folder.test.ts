import { fstatSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { XenError } from '@split-driver/abi'
import type { XenStoreWireClient } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { JournalFolder, type JournalFolderOptions } from '@split-driver/xenstored/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { crc32c } from '../../src/node/crc32c.js'
import { REAL_FILES } from '../../src/node/journal-file.js'
import { StoreWorld } from '../support/store-world.js'

let root: string
let copies = 0

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'xenstore-journal-'))
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

/** A server over a folder, with everything written as soon as it is appended. */
const open = async (
  folder: string,
  options: JournalFolderOptions = {},
): Promise<[JournalFolder, XenStoreWireClient]> => {
  const journal = await JournalFolder.open(folder, { later: queueMicrotask, ...options })
  return [journal, new StoreWorld({ journal }).connect()]
}

/** The folder as a process leaves it that is killed now. */
const killed = async (folder: string): Promise<string> => {
  copies += 1
  const copy = join(root, `copy-${copies}`)
  await cp(folder, copy, { recursive: true, filter: (path) => !path.endsWith('lock') })
  return copy
}

const list = (client: XenStoreWireClient): Promise<string> => client.ask(XenStoreOp.Directory, packStrings('/'))

const codeOf = async (promise: Promise<unknown>): Promise<unknown> => {
  const error = await promise.catch((reason: unknown) => reason)
  return XenError.is(error) ? error.code : error
}

const systemError = (code: string): Error => Object.assign(new Error(code), { code })

test('CRC-32C is the one of RFC 3720 B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

describe('a folder with a journal', () => {
  test('gives the next server what was acknowledged, be the first one killed or closed', async () => {
    const folder = join(root, 'a')
    const [journal, client] = await open(folder)
    await client.write('/a', 'one')
    await client.write('/b/c', 'two')
    await client.ask(XenStoreOp.Rm, packStrings('/a'))
    const [second, after] = await open(await killed(folder))
    expect([await list(after), await after.read('/b/c')]).toEqual(['tool|b', 'two'])
    await second[Symbol.asyncDispose]()
    await journal[Symbol.asyncDispose]()
    const [third, last] = await open(folder)
    expect([await list(last), await last.read('/b/c')]).toEqual(['tool|b', 'two'])
    await third[Symbol.asyncDispose]()
  })

  test('whatever is missing of its end, what was written before is there, and no transaction by halves', async () => {
    const folder = join(root, 'a')
    const [journal, client] = await open(folder)
    const path = join(folder, 'journal-1')
    const used = async (): Promise<number> => (await readFile(path)).findLastIndex((byte) => byte !== 0) + 1
    await client.write('/x', 'x')
    const txId = Number(await client.ask(XenStoreOp.TransactionStart, packStrings('')))
    for (const name of ['y', 'z']) await client.write(`/${name}`, name, txId)
    await client.ask(XenStoreOp.TransactionEnd, packStrings('T'), txId)
    const end = await used()
    const listings = new Set<string>()
    for (let length = 24; length < end + 10; length += 3) {
      const copy = await killed(folder)
      await truncate(join(copy, 'journal-1'), length)
      const [again, after] = await open(copy)
      listings.add(await list(after))
      await again[Symbol.asyncDispose]()
      await rm(copy, { recursive: true })
    }
    expect([...listings]).toEqual(['tool', 'tool|x', 'tool|x|y|z'])
    await journal[Symbol.asyncDispose]()
  })

  test('a byte that is wrong before the end is damage, and nothing that was written beyond is dropped for it', async () => {
    const folder = join(root, 'a')
    const [journal, client] = await open(folder)
    for (const name of ['x', 'y', 'z']) await client.write(`/${name}`, name)
    await journal[Symbol.asyncDispose]()
    const path = join(folder, 'journal-1')
    const bytes = await readFile(path)
    bytes[85]! ^= 1
    await writeFile(path, bytes)
    expect(await codeOf(JournalFolder.open(folder))).toBe('EPROTO')
  })

  test('the last entry with a byte wrong was never acknowledged as such: it is dropped, with a note', async () => {
    const folder = join(root, 'a')
    const [journal, client] = await open(folder)
    for (const name of ['x', 'y']) await client.write(`/${name}`, name)
    await journal[Symbol.asyncDispose]()
    const path = join(folder, 'journal-1')
    const bytes = await readFile(path)
    bytes[bytes.findLastIndex((byte) => byte !== 0)]! ^= 1
    await writeFile(path, bytes)
    const notes: string[] = []
    const [again, after] = await open(folder, { onNote: (note) => notes.push(note) })
    expect(await list(after)).toBe('tool|x')
    expect(notes).toHaveLength(1)
    await again[Symbol.asyncDispose]()
  })

  test('one daemon at a time has it', async () => {
    const folder = join(root, 'a')
    const [journal] = await open(folder)
    expect(await codeOf(JournalFolder.open(folder))).toBe('EBUSY')
    await journal[Symbol.asyncDispose]()
    await (await JournalFolder.open(folder))[Symbol.asyncDispose]()
  })

  test('somebody else’s files, and those of a later version, are refused and left alone', async () => {
    const folder = join(root, 'a')
    const [journal] = await open(folder)
    await journal[Symbol.asyncDispose]()
    const path = join(folder, 'journal-1')
    const bytes = await readFile(path)
    bytes[8] = 3
    await writeFile(path, bytes)
    expect(await codeOf(JournalFolder.open(folder))).toBe('EOPNOTSUPP')
    await writeFile(path, 'not a journal, but a long enough file')
    expect(await codeOf(JournalFolder.open(folder))).toBe('EPROTO')
    await writeFile(join(folder, 'state-1'), 'not a state')
    expect(await codeOf(JournalFolder.open(folder))).toBe('EPROTO')
    expect((await readdir(folder)).sort()).toEqual(['journal-1', 'state-1'])
  })

  test('a journal of version 1 is read, and goes on as one of ours; it does not say of which boot it is', async () => {
    const folder = join(root, 'a')
    const [journal, client] = await open(folder)
    for (const name of ['x', 'y']) await client.write(`/${name}`, name)
    await journal[Symbol.asyncDispose]()
    const path = join(folder, 'journal-1')
    const bytes = await readFile(path)
    const header = bytes.subarray(0, 24)
    header[8] = 1
    await writeFile(path, Buffer.concat([header, bytes.subarray(64)]))
    const [again, after] = await open(folder)
    expect([await list(after), await after.read('/y'), again.found?.sameBoot]).toEqual(['tool|x|y', 'y', false])
    await again[Symbol.asyncDispose]()
    const [last, client2] = await open(folder)
    expect([await list(client2), last.found?.sameBoot]).toEqual(['tool|x|y', true])
    await last[Symbol.asyncDispose]()
  })

  test.each([
    ['boot', 'boot', true],
    ['boot', 'another boot', false],
    ['', '', false],
  ])('begun in %j and found in %j: the same boot is %s', async (before, now, same) => {
    const folder = join(root, 'a')
    const [journal] = await open(folder, { boot: before })
    await journal[Symbol.asyncDispose]()
    const [again] = await open(folder, { boot: now })
    expect(again.found?.sameBoot).toBe(same)
    await again[Symbol.asyncDispose]()
  })

  test('a journal that has grown too long begins anew with a state, and only that is kept', async () => {
    const folder = join(root, 'a')
    const [journal, client] = await open(folder)
    for (let i = 0; i < 400; i++) await client.write('/a', 'v'.repeat(3000))
    await client.write('/a', 'last')
    const files = (await readdir(folder)).filter((name) => name !== 'lock').sort()
    expect(files).toEqual(['journal-2', 'state-2'])
    const [again, after] = await open(await killed(folder))
    expect(await after.read('/a')).toBe('last')
    await again[Symbol.asyncDispose]()
    await journal[Symbol.asyncDispose]()
  })

  test('a disk that is full: changes are refused and not acknowledged, all else goes on, and room is found again', async () => {
    let full = false
    // What is there already can be written over, as on a real disk.
    const write = (fd: number, bytes: Uint8Array, position: number): number => {
      if (full && position + bytes.length > fstatSync(fd).size) throw systemError('ENOSPC')
      return REAL_FILES.write(fd, bytes, position)
    }
    const files = { ...REAL_FILES, write }
    const folder = join(root, 'a')
    const notes: string[] = []
    const [journal, client] = await open(folder, { files, onNote: (note) => notes.push(note) })
    await client.write('/before', '')
    full = true
    const answers: string[] = []
    for (let i = 0; i < 200 && !answers.includes('!ENOSPC'); i++)
      answers.push(await client.write('/a', 'v'.repeat(4000)))
    expect(new Set(answers)).toEqual(new Set(['OK', '!ENOSPC']))
    expect(await client.read('/before')).toBe('')
    expect(await client.mkdir('/c')).toBe('!ENOSPC')
    const txId = Number(await client.ask(XenStoreOp.TransactionStart, packStrings('')))
    expect(await client.mkdir('/t', txId)).toBe('OK')
    expect(await client.ask(XenStoreOp.TransactionEnd, packStrings('T'), txId)).toBe('!ENOSPC')
    full = false
    await expect.poll(() => notes.length).toBe(2)
    expect(await client.mkdir('/d')).toBe('OK')
    const [again, after] = await open(await killed(folder))
    expect(await list(after)).toBe('tool|before|a|d')
    await again[Symbol.asyncDispose]()
    await journal[Symbol.asyncDispose]()
  })

  test('a disk that breaks in the midst of a change: nothing is acknowledged until it is written', async () => {
    let broken = false
    // Room is there already: it is the change itself that cannot be written.
    const write = (fd: number, bytes: Uint8Array, position: number): number => {
      if (broken && bytes.length < 1000) throw systemError('EIO')
      return REAL_FILES.write(fd, bytes, position)
    }
    const folder = join(root, 'a')
    const [journal, client] = await open(folder, { files: { ...REAL_FILES, write } })
    broken = true
    client.post(XenStoreOp.Mkdir, packStrings('/a'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(client.messages).toEqual([])
    broken = false
    await expect.poll(() => client.messages.length).toBe(1)
    const [again, after] = await open(await killed(folder))
    expect(await list(after)).toBe('tool|a')
    await again[Symbol.asyncDispose]()
    await journal[Symbol.asyncDispose]()
  })
})
