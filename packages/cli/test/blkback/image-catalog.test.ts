import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { FileBlockStore } from '@split-driver/blkif/node'
import { ImageCatalog } from '@split-driver/cli'
import type { Clock } from '@split-driver/platform'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchFolder } from '../support/scratch-folder.js'

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
  mkdirSync(folder.file('allowed'))
  writeFileSync(folder.file('secret.img'), new Uint8Array(512))
})
afterEach(() => folder[Symbol.dispose]())

const asIs = { readOnly: false, sectorBytes: 512, asynchronous: false, shared: false }

/** Each timer is due in the next turn, and then its time has passed. */
const hurriedClock = (): Clock => {
  let time = 0
  return {
    now: () => time,
    setTimer: (milliseconds, callback) => {
      const timer = setImmediate(() => {
        time += milliseconds
        callback()
      })
      return { cancel: () => clearImmediate(timer) }
    },
  }
}

const catalog = () =>
  new ImageCatalog({ images: {}, folders: [{ ...asIs, path: folder.file('allowed') }] }, hurriedClock())

describe('an image of an allowed folder', () => {
  test('is never another file, however often a link takes its place meanwhile', async () => {
    const path = folder.file('allowed/a.img')
    symlinkSync(folder.file('secret.img'), folder.file('link'))
    let given = 0
    for (let round = 0; round < 300; round++) {
      writeFileSync(folder.file('real'), new Uint8Array(512))
      renameSync(folder.file('real'), path)
      const opening = catalog().open({ params: path, mode: 'w' })
      // At another moment each time: between the look at the path and its opening, or before, or after.
      for (let turn = 0; turn < round % 12; turn++) await new Promise(setImmediate)
      symlinkSync(folder.file('secret.img'), folder.file('link2'))
      renameSync(folder.file('link2'), path)
      const store = await opening.catch((error: Error) => error)
      if (store instanceof Error) expect(store.message).toMatch(/^EACCES: .*lies in no folder/)
      else {
        given++
        expect(folder.openFiles()).not.toContain(folder.file('secret.img'))
        await store[Symbol.asyncDispose]()
      }
      unlinkSync(path)
    }
    expect(given).toBeGreaterThan(0)
    expect(folder.openFiles()).toEqual([])
  })

  test('that is a pipe is refused, not waited for', async () => {
    execFileSync('mkfifo', [folder.file('allowed/pipe')])
    await expect(catalog().open({ params: folder.file('allowed/pipe'), mode: 'r' })).rejects.toThrow(
      /^EINVAL: .*pipe" is neither a file nor a block device/,
    )
  })

  test('with a size that is no whole number of sectors says so by its own name', async () => {
    writeFileSync(folder.file('allowed/odd.img'), new Uint8Array(513))
    await expect(catalog().open({ params: folder.file('allowed/odd.img'), mode: 'w' })).rejects.toThrow(
      /^EINVAL: .*allowed\/odd.img has 513 bytes, no multiple of 512: pad it/,
    )
    expect(folder.openFiles()).toEqual([])
  })

  test('that somebody else writes to is refused when the wait for its lock has ended', async () => {
    const path = folder.file('allowed/held.img')
    writeFileSync(path, new Uint8Array(512))
    const holder = await FileBlockStore.open(path)
    await expect(catalog().open({ params: path, mode: 'w' })).rejects.toThrow(/^EBUSY: .*held.img is in use by/)
    const waiting = catalog().open({ params: path, mode: 'w' })
    await holder[Symbol.asyncDispose]()
    await (await waiting)[Symbol.asyncDispose]()
  })

  test('that is shared is given to several who write', async () => {
    const path = folder.file('allowed/shared.img')
    writeFileSync(path, new Uint8Array(512))
    const images = { both: { ...asIs, shared: true, file: path } }
    const shared = new ImageCatalog({ images, folders: [] }, hurriedClock())
    await using _first = await shared.open({ params: 'both', mode: 'w' })
    await using _second = await shared.open({ params: 'both', mode: 'w' })
  })
})
