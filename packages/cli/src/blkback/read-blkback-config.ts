import { stat } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import { XenError } from '@split-driver/abi'
import { parseNbdUri } from '@split-driver/blkif'
import type { DocumentPath, JsonDocument } from '../config/json-document.js'
import { shown } from '../config/json-document.js'
import { readConfig } from '../config/read-config.js'
import { type BlkbackConfig, blkbackSchema, type ImageFolder } from './blkback-config.js'

/**
 * Reads the configuration of `split-driver blkback`. Relative paths in it begin at its own folder.
 * @throws ConfigError naming file, line and key, what was found and what was expected
 */
export const readBlkbackConfig = async (file: string): Promise<BlkbackConfig> => {
  const { value, document } = await readConfig(file, blkbackSchema)
  const names = Object.keys(value.images)
  if (names.length + value.folders.length === 0)
    throw document.errorAt([], 'no guest could be given a disk; expected an image in "images" or a folder in "folders"')
  const base = dirname(resolve(file))
  const images: Record<string, BlkbackConfig['images'][string]> = {}
  for (const [name, image] of Object.entries(value.images)) {
    if ('nbd' in image) {
      expectNbdUri(document, ['images', name, 'nbd'], image.nbd)
      images[name] = image
      continue
    }
    const path = resolve(base, image.file)
    await expectAt(document, ['images', name, 'file'], path, 'a file or block device')
    images[name] = { ...image, file: path }
  }
  const folders: ImageFolder[] = []
  for (const [index, folder] of value.folders.entries()) {
    const path = resolve(base, folder.path)
    await expectAt(document, ['folders', index, 'path'], path, 'a folder')
    folders.push({ ...folder, path })
  }
  return { ...value, images, folders }
}

/** Whether anybody answers there is seen when a guest wants the disk. */
const expectNbdUri = (document: JsonDocument, at: DocumentPath, uri: string): void => {
  const refuse = (problem: string) => document.errorAt(at, `"${at.join('.')}" is ${shown(uri)}; ${problem}`)
  try {
    const { place } = parseNbdUri(uri)
    if ('path' in place && !isAbsolute(place.path) && !place.path.startsWith('\0'))
      throw refuse('expected the whole path of its socket')
  } catch (error) {
    throw XenError.is(error) ? refuse(error.message) : error
  }
}

const expectAt = async (
  document: JsonDocument,
  at: DocumentPath,
  path: string,
  expected: 'a folder' | 'a file or block device',
): Promise<void> => {
  const refuse = (found: string) => document.errorAt(at, `"${at.join('.')}" is ${found}; expected ${expected}`)
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`${shown(path)}, which cannot be reached (${error.code})`)
  })
  const fits = expected === 'a folder' ? found.isDirectory() : found.isFile() || found.isBlockDevice()
  if (!fits) throw refuse(`${shown(path)}, which is something else`)
}
