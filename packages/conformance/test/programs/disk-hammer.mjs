import { BlkifFrontend } from '@split-driver/blkif'

/** A guest in a thread of its own: overlapping writes and reads of distinct places, verified; `rounds` of them, or for ever. */
export const program = async ({ platform, argument }) => {
  const disk = await BlkifFrontend.open(platform, 'xvda', { ringPageOrder: argument.ringPageOrder })
  const { rounds, started } = argument
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: 16 }, (_, lane) => verify(disk, lane, round)))
    if (round === 3) started?.postMessage('started')
  }
  await disk.flush()
  await disk.close()
  started?.close()
}

/** Each lane has 128 sectors of its own; length and place differ from round to round, up to several requests. */
const verify = async (disk, lane, round) => {
  const sectors = 1 + ((round * 7 + lane * 13) % 100)
  const sector = lane * 128 + ((round * 5) % (128 - sectors))
  const written = new Uint8Array(sectors * 512).map((_, i) => lane + round * 31 + i + (i >> 9))
  await disk.write(sector, written)
  const read = new Uint8Array(written.length)
  await disk.read(sector, read)
  const wrong = read.findIndex((byte, i) => byte !== written[i])
  if (wrong >= 0)
    throw new Error(`round ${round}, lane ${lane}: byte ${wrong} is ${read[wrong]}, not ${written[wrong]}`)
}
