import { BlkifFrontend, type BlkifFrontendStats, ByteDevice } from '@split-driver/blkif'
import { ConsoleFrontend } from '@split-driver/console'
import type { EmulatedPlatform, Program } from '@split-driver/emulator'
import { BufferCache } from './buffer-cache.js'
import { numberedText } from './disk-image.js'
import { type ExtFileSystem, largestFile, withExtFileSystem } from './ext-file-system.js'
import { sha256 } from './sha256.js'

/** What the guest leaves in XenStore, below its own `data/`, for the host to check. */
export interface GuestReport {
  readonly root: readonly string[]
  /** The largest file of the root directory; absent if there is none. */
  readonly read:
    | { readonly path: string; readonly bytes: number; readonly sha256: string; readonly seconds: number }
    | undefined
  readonly written: { readonly path: string; readonly bytes: number; readonly sha256: string; readonly seconds: number }
  readonly stats: BlkifFrontendStats
}

/** Where the report lies in the guest's own directory. */
export const REPORT_KEY = 'data/report'

const WRITTEN_BYTES = 1 << 20

/** A guest's kernel: says who it is, mounts its disk, reads and writes it, reports and halts. */
export const program: Program = async ({ platform }) => {
  const terminal = new ConsoleFrontend({ ...platform.console, events: platform.events })
  const say = (text: string) => terminal.line(text)
  await sayStartOfDay(platform, say)
  const disk = await BlkifFrontend.open(platform, 'xvda', { ringPageOrder: 1 })
  await say(
    `xvda: ${disk.sectorCount} sectors of ${disk.sectorBytes} bytes, flush ${disk.features.flushCache ? 'on' : 'off'}`,
  )
  const work = await withExtFileSystem(new BufferCache(new ByteDevice(disk)), (files) =>
    useFileSystem(files, platform, say),
  )
  await disk.flush()
  const report: GuestReport = { ...work, stats: disk.stats }
  await disk.close()
  await platform.xenstore.write(REPORT_KEY, JSON.stringify(report))
  await say('done; halting')
}

const sayStartOfDay = async (
  { start, domid }: EmulatedPlatform,
  say: (text: string) => Promise<void>,
): Promise<void> => {
  const hex = (value: number) => `0x${value.toString(16)}`
  await say(`booting as domain ${domid}: ${start.pages} pages, shared info at frame ${hex(start.sharedInfo)}`)
  await say(
    `command line "${start.commandLine}", XenStore ring at frame ${hex(start.store.frame)}, port ${start.store.port}`,
  )
}

const useFileSystem = async (
  files: ExtFileSystem,
  { clock, domid }: EmulatedPlatform,
  say: (text: string) => Promise<void>,
): Promise<Omit<GuestReport, 'stats'>> => {
  const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const began = clock.now()
    return [await work, (clock.now() - began) / 1000]
  }
  const root = await files.readdir('/')
  await say(`mounted xvda; / holds ${root.join(', ')}`)
  const largest = await largestFile(files)
  let read: GuestReport['read']
  if (largest) {
    const [content, seconds] = await timed(files.readFile(largest.path))
    read = { path: largest.path, bytes: content.length, sha256: sha256(content), seconds }
    await say(`read ${read.path}: ${read.bytes} bytes, SHA-256 ${read.sha256.slice(0, 16)}…`)
  }
  const path = `/written-by-domain-${domid}.txt`
  const content = numberedText(WRITTEN_BYTES)
  const [, seconds] = await timed(files.writeFile(path, content))
  await say(`wrote ${path}: ${content.length} bytes`)
  return { root, read, written: { path, bytes: content.length, sha256: sha256(content), seconds } }
}
