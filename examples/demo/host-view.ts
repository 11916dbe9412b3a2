import { Worker } from 'node:worker_threads'

export interface ImageQuestion {
  /** The image, on the host. */
  readonly path: string
  /** A file in it that is looked for. */
  readonly wanted?: string
}

/** What the host finds in an image, past all drivers. */
export interface ImageContent {
  readonly root: readonly string[]
  /** The largest file of the root directory. */
  readonly largest: { readonly path: string; readonly sha256: string } | undefined
  /** SHA-256 of the file that was looked for, if it is there. */
  readonly wanted: string | undefined
}

/**
 * Looks into an image, in a thread of its own: the library's memory is fixed, and dozens of file systems one after the other
 * use it up. @throws Error if the image cannot be mounted
 */
export const lookInto = (question: ImageQuestion): Promise<ImageContent> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./image-reader.js', import.meta.url), { workerData: question })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the reader ended without an answer')))
  })
