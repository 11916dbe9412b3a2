import { type Domid, XenError } from '@split-driver/abi'
import { domidKey, pathKey } from '../keys/key.js'
import { parseKey } from '../keys/key-set.js'
import { KEY } from '../keys/keys.js'
import { domainPath, isWithin, joinPath } from '../wire/path.js'
import type { XenStoreOperations } from '../xenstore.js'

/** The other half of a device: whose it is, and its directory. */
export interface Otherend {
  readonly domid: Domid
  /** Absolute, below that domain's own directory. */
  readonly path: string
}

/** Under which keys one half finds the other. */
export interface OtherendKeys {
  readonly path: string
  readonly domid: string
}

/** In a frontend's directory. */
export const BACKEND_KEYS: OtherendKeys = { path: KEY.backend, domid: KEY.backendId }

/** In a backend's directory. */
export const FRONTEND_KEYS: OtherendKeys = { path: KEY.frontend, domid: KEY.frontendId }

/**
 * Who and where the other half of the device in `directory` is.
 * @throws XenError ENOENT a key is missing; BAD_KEY it makes no sense, or the path lies outside that domain's directory
 */
export const readOtherend = async (
  store: Pick<XenStoreOperations, 'tryRead'>,
  directory: string,
  keys: OtherendKeys,
): Promise<Otherend> => {
  const pathOfPath = joinPath(directory, keys.path)
  const pathOfDomid = joinPath(directory, keys.domid)
  const [pathText, domidText] = await Promise.all([store.tryRead(pathOfPath), store.tryRead(pathOfDomid)])
  const domid = parseKey(domidKey(), pathOfDomid, domidText)
  const path = parseKey(pathKey(), pathOfPath, pathText)
  const home = domainPath(domid)
  if (path === home || !isWithin(path, home)) {
    const expected = `a path below ${home}`
    const detail = { path: pathOfPath, value: path, expected }
    throw new XenError('BAD_KEY', `${pathOfPath} is "${path}"; expected ${expected}`, { detail })
  }
  return { domid, path }
}
