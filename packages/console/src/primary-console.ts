import { DOM0, type Domid, type Port, port, XenError } from '@split-driver/abi'
import type { XenStore } from '@split-driver/xenbus'
import { DEFAULT_LOG_BYTES } from './backend.js'
import { CONSOLE_KEYS, CONSOLE_TYPE, primaryConsolePath } from './keys.js'
import { readTrusted } from './trusted-key.js'

/** Bytes that a `limit` key can ask for at most, whoever wrote it. */
export const MAX_LOG_BYTES = 1 << 26

/** What XenStore says of a domain's primary console. */
export interface PrimaryConsole {
  readonly remotePort: Port
  /** Bytes of output to keep. */
  readonly logBytes: number
}

/** Digits only: no sign, no space, no exponent, nothing that rounds. */
const decimal = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN)

/**
 * Looks a domain's primary console up. Only what the control domain wrote is believed (C1): a guest that can write its own
 * directory must not choose how much memory its log takes, or which of its channels is served.
 * @returns undefined if it has none (yet), or one that another daemon serves
 * @throws XenError BAD_KEY if a key is there and makes no sense (rule 37)
 */
export const findPrimaryConsole = async (
  store: XenStore,
  domid: Domid,
  own: Domid,
): Promise<PrimaryConsole | undefined> => {
  const base = primaryConsolePath(domid)
  const [portKey, ringRef, limit, type] = await store.transaction((transaction) => {
    const read = (key: string) => readTrusted(transaction, `${base}/${key}`, [DOM0, own])
    return Promise.all([
      read(CONSOLE_KEYS.port),
      read(CONSOLE_KEYS.ringRef),
      read(CONSOLE_KEYS.limit),
      read(CONSOLE_KEYS.type),
    ])
  })
  if (portKey === undefined || ringRef === undefined) return undefined
  if (type !== undefined && type !== CONSOLE_TYPE) return undefined
  return { remotePort: parsePort(`${base}/${CONSOLE_KEYS.port}`, portKey), logBytes: parseLimit(base, limit) }
}

const badKey = (path: string, value: string, cause?: unknown): XenError =>
  new XenError('BAD_KEY', `${path} holds ${JSON.stringify(value.slice(0, 64))}`, { detail: { path }, cause })

const parsePort = (path: string, text: string): Port => {
  try {
    return port(decimal(text))
  } catch (error) {
    throw badKey(path, text, error)
  }
}

/** Without a limit: the default; a log of no bytes at all would be of no use. */
const parseLimit = (base: string, text: string | undefined): number => {
  if (text === undefined) return DEFAULT_LOG_BYTES
  const bytes = decimal(text)
  if (Number.isNaN(bytes) || bytes === 0) throw badKey(`${base}/${CONSOLE_KEYS.limit}`, text)
  return Math.min(bytes, MAX_LOG_BYTES)
}
