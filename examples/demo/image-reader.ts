import { parentPort, workerData } from 'node:worker_threads'
import { ImageFile, largestFile, withExtFileSystem } from './ext-file-system.js'
import type { ImageContent, ImageQuestion } from './host-view.js'
import { sha256 } from './sha256.js'

/** Reads an image with a copy of the library of its own, whose memory goes with this thread. */
const read = async ({ path, wanted }: ImageQuestion): Promise<ImageContent> => {
  await using image = await ImageFile.open(path)
  return await withExtFileSystem(image, async (files) => {
    const largest = await largestFile(files)
    return {
      root: await files.readdir('/'),
      largest: largest && { path: largest.path, sha256: sha256(await files.readFile(largest.path)) },
      wanted: wanted && (await files.readFile(wanted).then(sha256, () => undefined)),
    }
  })
}

parentPort!.postMessage(await read(workerData))
