import type { FileHandle } from 'node:fs/promises'
import { readlink, realpath, stat } from 'node:fs/promises'
import { isAbsolute, sep } from 'node:path'
import { XenError, type XenErrorCode } from '@split-driver/abi'
import type { DiskDescription, NbdObserver } from '@split-driver/blkif'
import { FileBlockStore, NbdBlockStore } from '@split-driver/blkif/node'
import type { Clock } from '@split-driver/platform'
import { shown } from '../config/json-document.js'
import type { BlkbackConfig, ImageOptions, NbdImage } from './blkback-config.js'

/** A guest that starts anew may come before its predecessor's last request is done, and so may a daemon. */
const LOCK_PATIENCE_MS = 5000

/** An image that may be given, and how. */
interface Allowed extends ImageOptions {
  readonly file: string
  /** The folder that it must lie in, free of links; undefined for what the configuration names itself. */
  readonly within: string | undefined
}

/**
 * Which images guests may be given. XenStore's `params` is a name of the configuration, or an absolute path that, once
 * every link is followed, ends up in one of its folders.
 */
export class ImageCatalog {
  readonly #config: Pick<BlkbackConfig, 'images' | 'folders'>
  readonly #clock: Clock

  constructor(config: Pick<BlkbackConfig, 'images' | 'folders'>, clock: Clock) {
    this.#config = config
    this.#clock = clock
  }

  /**
   * Opens what is behind a disk; for reading only if the image or XenStore's `mode` says so.
   * @throws XenError ENOENT no such image, EACCES it lies outside of what may be given, or as `FileBlockStore.open`: EBUSY if
   * another has it for longer than a guest takes to leave it; or as `NbdBlockStore.open`
   */
  async open(
    { params, mode }: Pick<DiskDescription, 'params' | 'mode'>,
    observer: NbdObserver = {},
  ): Promise<FileBlockStore | NbdBlockStore> {
    const found = await this.#find(params)
    if ('nbd' in found) return this.#openNbd(found, mode, observer)
    const { file, within, readOnly, ...options } = found
    return FileBlockStore.open(file, {
      ...options,
      lockPatience: { clock: this.#clock, milliseconds: LOCK_PATIENCE_MS },
      readOnly: readOnly || mode === 'r',
      ...(within === undefined ? {} : { accept: (opened) => expectWithin(opened, within, params) }),
    })
  }

  #openNbd({ nbd, readOnly, sectorBytes }: NbdImage, mode: 'r' | 'w', observer: NbdObserver): Promise<NbdBlockStore> {
    const sectors = sectorBytes === undefined ? {} : { sectorBytes }
    return NbdBlockStore.open(nbd, {
      ...observer,
      ...sectors,
      clock: this.#clock,
      readOnly: readOnly || mode === 'r',
    })
  }

  async #find(params: string): Promise<Allowed | NbdImage> {
    const { images } = this.#config
    if (Object.hasOwn(images, params)) {
      const named = images[params]!
      return 'nbd' in named ? named : { ...named, within: undefined }
    }
    if (!isAbsolute(params))
      throw new XenError('ENOENT', `the configuration has no image called ${shown(params)}`, { detail: { params } })
    return this.#findInFolders(params)
  }

  async #findInFolders(params: string): Promise<Allowed> {
    const file = await realpath(params).catch((error: NodeJS.ErrnoException) => {
      throw refusal(error.code === 'ENOENT' ? 'ENOENT' : 'EACCES', params, `cannot be reached: ${error.message}`)
    })
    let best: Allowed | undefined
    for (const { path, ...options } of this.#config.folders) {
      const within = await realpath(path).catch(() => undefined)
      if (within === undefined || !isWithin(file, within)) continue
      if (best?.within === undefined || within.length > best.within.length) best = { ...options, file, within }
    }
    if (best === undefined) throw outside(params, file)
    // Opening a pipe would wait until somebody writes into it.
    const found = await stat(file)
    if (!found.isFile() && !found.isBlockDevice())
      throw refusal('EINVAL', params, 'is neither a file nor a block device')
    return best
  }
}

const isWithin = (file: string, folder: string): boolean =>
  file.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)

/** The kernel knows which file was opened, whatever was renamed or linked since the path was looked at. */
const expectWithin = async (opened: FileHandle, folder: string, params: string): Promise<void> => {
  if (process.platform !== 'linux') return
  const file = await readlink(`/proc/self/fd/${opened.fd}`)
  if (!isWithin(file, folder)) throw outside(params, file)
}

const refusal = (code: XenErrorCode, params: string, problem: string): XenError =>
  new XenError(code, `the image ${shown(params)} ${problem}`, { detail: { params } })

const outside = (params: string, file: string): XenError =>
  refusal('EACCES', params, `is ${shown(file)}, which lies in no folder of the configuration`)
