// One program for both halves of a disk, whatever domain it runs in:
//   node split-disk.js backend KIND FILE      serves FILE to every disk below backend/KIND, until SIGTERM
//   node split-disk.js frontend verify SEED   opens xvda, reads it, writes and reads back, closes
//   node split-disk.js frontend endless       writes block after block, and says which are durable, for ever
// What it finds it says in lines of JSON.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { SECTOR_BYTES } from '@split-driver/abi'
import { BlkifBackendBus, BlkifFrontend } from '@split-driver/blkif'
import { FileBlockStore } from '@split-driver/blkif/node'
import { SeededRandom } from '@split-driver/conformance'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { XenbusState } from '@split-driver/xenbus'
import { BLOCK_BYTES, numberedBlock } from './numbered-block.js'

const CHUNK_BYTES = 1 << 20
const WRITES = 24
const OPEN_MS = 60_000

const say = (facts: Readonly<Record<string, unknown>>): boolean => process.stdout.write(`${JSON.stringify(facts)}\n`)

const serve = async (platform: PrivcmdPlatform, kind: string, file: string): Promise<void> => {
  await using bus = new BlkifBackendBus(platform, { kind, openStore: () => FileBlockStore.open(file) })
  bus.on('device', (device) => {
    device.on('state', (state) => {
      if (state === XenbusState.Connected)
        say({ half: 'backend', domid: platform.domid, otherend: device.otherend.domid })
    })
  })
  // Nodes are opened when they are first asked for: now, so that what a guest adds to what is open can be told.
  void platform.events
  void platform.mapper
  await bus.open()
  say({ ready: true })
  await once(process, 'SIGTERM')
}

const openDisk = async (platform: PrivcmdPlatform): Promise<BlkifFrontend> => {
  const disk = await BlkifFrontend.open(platform, 'xvda', { signal: AbortSignal.timeout(OPEN_MS) })
  say({ half: 'frontend', domid: platform.domid, otherend: disk.otherend.domid, sectors: disk.sectorCount })
  return disk
}

/** All of the disk, in hexadecimal. */
const sha256 = async (disk: BlkifFrontend): Promise<string> => {
  const hash = createHash('sha256')
  const chunk = new Uint8Array(CHUNK_BYTES)
  for (let sector = 0; sector < disk.sectorCount; sector += CHUNK_BYTES / SECTOR_BYTES) {
    await disk.read(sector, chunk)
    hash.update(chunk)
  }
  return hash.digest('hex')
}

const verify = async (platform: PrivcmdPlatform, seed: number): Promise<void> => {
  await using disk = await openDisk(platform)
  say({ before: await sha256(disk) })
  const random = new SeededRandom(seed)
  for (let i = 0; i < WRITES; i++) {
    const bytes = random.bytes((1 + random.below(64)) * SECTOR_BYTES)
    const sector = random.below(disk.sectorCount - 64)
    const back = new Uint8Array(bytes.length)
    await disk.write(sector, bytes)
    await disk.read(sector, back)
    assert.deepEqual(back, bytes)
  }
  await disk.flush()
  say({ after: await sha256(disk), writes: WRITES })
}

const endless = async (platform: PrivcmdPlatform): Promise<never> => {
  const disk = await openDisk(platform)
  for (let i = 0; ; i++) {
    await disk.write((i * BLOCK_BYTES) / SECTOR_BYTES, numberedBlock(i))
    await disk.flush()
    say({ durable: i })
  }
}

// The line that chooses the world.
await using platform = await PrivcmdPlatform.open()

const [half, what = '', last = ''] = process.argv.slice(2)
if (half === 'backend') await serve(platform, what, last)
else if (what === 'endless') await endless(platform)
else await verify(platform, Number(last))
say({ left: platform.holdings() })
