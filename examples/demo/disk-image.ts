import { execFile } from 'node:child_process'
import { constants, copyFile, mkdir, mkdtemp, open, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

const run = promisify(execFile)
const unzip = promisify(gunzip)

/** What a person gave us is no disk that this demo can use; its message says why and what to do. */
export class UnusableDisk extends Error {
  override readonly name = 'UnusableDisk'
}

/** Where the small image lies that is used when e2fsprogs is not installed; a tree's `assets` follow its build. */
const smallImage = new URL('../../demo/assets/small.ext4.gz', import.meta.url)

const MIB = 1 << 20
const IMAGE_BYTES = 64 * MIB
const SUPERBLOCK_MAGIC_AT = 1024 + 56
const SUPERBLOCK_MAGIC = 0xef53

/** Text in which every line differs, so that a block in the wrong place shows. */
export const numberedText = (bytes: number): Buffer => {
  const line = (i: number) =>
    `${String(i).padStart(8, '0')} read through a split driver, from a disk in another domain\n`
  const length = line(0).length
  return Buffer.from(Array.from({ length: Math.ceil(bytes / length) }, (_, i) => line(i)).join('')).subarray(0, bytes)
}

/** Makes a real ext4 image in `folder`, with mkfs.ext4 where there is one. @returns its path and how it came about */
export const makeImage = async (folder: string): Promise<{ path: string; origin: string }> => {
  const path = join(folder, 'disk.ext4')
  const content = await mkdtemp(join(folder, 'content-'))
  await mkdir(join(content, 'docs'))
  await writeFile(join(content, 'hello.txt'), 'Hello from the disk.\n')
  await writeFile(join(content, 'docs', 'readme.txt'), 'This file system was mounted by a guest.\n')
  await writeFile(join(content, 'numbers.txt'), numberedText(4 * MIB))
  try {
    await writeFile(path, '')
    await truncate(path, IMAGE_BYTES)
    await run('mkfs.ext4', ['-q', '-F', '-b', '4096', '-L', 'split-driver', '-d', content, path], { env: withSbin() })
    return { path, origin: 'an ext4 image, made with mkfs.ext4' }
  } catch (error) {
    if (!isMissing(error)) throw error
    await writeFile(path, await unzip(await readFile(smallImage)))
    return { path, origin: 'the small ext4 image that comes with the demo (mkfs.ext4 is not installed)' }
  }
}

/** @throws UnusableDisk if `path` cannot be read, has an odd size, or holds no ext2, ext3 or ext4 file system */
export const assertUsable = async (path: string): Promise<void> => {
  const bytes = await sizeOf(path)
  if (bytes % 512 !== 0)
    throw new UnusableDisk(`${path} has ${bytes} bytes, which is no multiple of 512: a disk is made of whole sectors`)
  if (bytes <= SUPERBLOCK_MAGIC_AT || (await superblockMagic(path)) !== SUPERBLOCK_MAGIC)
    throw new UnusableDisk(
      `${path} holds no ext4 file system (nor ext2 or ext3); make one with mkfs.ext4, or give no --disk at all`,
    )
}

/** Copies an image for one guest; shares the blocks where the host's file system can. */
export const copyImage = async (from: string, folder: string, name: string): Promise<string> => {
  const path = join(folder, `${name}.img`)
  await copyFile(from, path, constants.COPYFILE_FICLONE)
  return path
}

const sizeOf = async (path: string): Promise<number> => {
  try {
    const status = await stat(path)
    if (!status.isFile()) throw new UnusableDisk(`${path} is no regular file; give a file that holds a disk image`)
    return status.size
  } catch (error) {
    throw asUnusable(error, path)
  }
}

const superblockMagic = async (path: string): Promise<number> => {
  try {
    await using file = await open(path, 'r')
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, SUPERBLOCK_MAGIC_AT)
    return buffer.readUInt16LE(0)
  } catch (error) {
    throw asUnusable(error, path)
  }
}

const asUnusable = (error: unknown, path: string): unknown => {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new UnusableDisk(`${path} does not exist`)
    case 'EACCES':
    case 'EPERM':
      return new UnusableDisk(`${path} cannot be read: permission denied`)
    default:
      return error
  }
}

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT'

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** mkfs.ext4 lies where an ordinary user's PATH often does not reach. */
const withSbin = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` })
