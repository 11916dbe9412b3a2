import * as v from 'valibot'
import { type LogLevel, logLevels } from '../logging/log.js'

/** How an image is presented to guests. */
export interface ImageOptions {
  /** Guests may only read, whatever XenStore's `mode` says. */
  readonly readOnly: boolean
  /** Logical sector size in bytes. */
  readonly sectorBytes: number
  /** Reads and writes off the thread: for devices so slow that waiting would stall other guests' disks. */
  readonly asynchronous: boolean
  /** Takes no lock: the guests that use it agree among themselves. */
  readonly shared: boolean
}

/** A disk that XenStore's `params` names. */
export interface NamedImage extends ImageOptions {
  /** Absolute, or relative to the working folder. */
  readonly file: string
}

/** A disk on another server, which XenStore's `params` names. What lies behind it has no lock of ours. */
export interface NbdImage {
  /** Such as `nbd://HOST:PORT/EXPORT`, or `nbds:` for TLS. */
  readonly nbd: string
  readonly readOnly: boolean
  /** Logical sector size in bytes; the least that the server takes, 512 at least, unless given. */
  readonly sectorBytes?: number | undefined
}

/** A folder, any file below which may be a guest's disk. */
export interface ImageFolder extends ImageOptions {
  readonly path: string
}

/** What `split-driver blkback` serves, and to whom it gives what. */
export interface BlkbackConfig {
  /** The directory below `backend/` that is served. */
  readonly kind: string
  readonly logLevel: LogLevel
  readonly images: Readonly<Record<string, NamedImage | NbdImage>>
  readonly folders: readonly ImageFolder[]
}

const SECTOR_SIZES = [512, 1024, 2048, 4096] as const

const sectorSize = v.picklist(SECTOR_SIZES, `one of ${SECTOR_SIZES.join(', ')}`)

const imageKeys = {
  readOnly: v.optional(v.boolean('true or false'), false),
  sectorBytes: v.optional(sectorSize, SECTOR_SIZES[0]),
  asynchronous: v.optional(v.boolean('true or false'), false),
  shared: v.optional(v.boolean('true or false'), false),
}

const pathOf = (what: string) => v.pipe(v.string(`the path of ${what}`), v.nonEmpty(`the path of ${what}`))

const imageName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'a name of letters, digits, ".", "_" and "-" that is no path'),
)

/** An array would do as an object otherwise. */
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const objectOf = <Entries extends v.ObjectEntries>(entries: Entries) => {
  const expected = `an object with ${Object.keys(entries).join(', ')}`
  return v.pipe(v.custom<object>(isObject, expected), v.strictObject(entries, expected))
}

const namedImage = objectOf({ file: pathOf('a file or block device'), ...imageKeys })

const NBD_URI = 'an NBD URI, such as "nbd://HOST/EXPORT"'

const nbdImage = objectOf({
  nbd: v.string(NBD_URI),
  readOnly: v.optional(v.boolean('true or false'), false),
  sectorBytes: v.optional(sectorSize),
})

const image = v.lazy((input) => (isObject(input) && Object.hasOwn(input as object, 'nbd') ? nbdImage : namedImage))

const imageFolder = objectOf({ path: pathOf('a folder'), ...imageKeys })

const imageTable = v.pipe(v.custom<object>(isObject, 'an object of images by name'), v.record(imageName, image))

const DIRECTORY_NAME = 'the name of a directory, such as "vbd"'

/** Each message says what is expected there. */
export const blkbackSchema = objectOf({
  kind: v.optional(v.pipe(v.string(DIRECTORY_NAME), v.regex(/^[a-z][a-z0-9-]{0,31}$/, DIRECTORY_NAME)), 'vbd'),
  logLevel: v.optional(v.picklist(logLevels, `one of ${logLevels.join(', ')}`), 'info'),
  images: v.optional(imageTable, {}),
  folders: v.optional(v.array(imageFolder, 'a list of folders'), []),
})
