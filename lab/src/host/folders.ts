import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder; this file runs as lab/dist/src/host/folders.js. */
export const repository = fileURLToPath(new URL('../../../../', import.meta.url))

/** Everything that the lab fetches, builds and logs; git ignores it and `npm run clean` removes it. */
export const cache = join(repository, '.cache', 'lab')

/** Files that go into images as they are. */
export const imageSources = join(repository, 'lab', 'src', 'images')
