import { XenError } from '@split-driver/abi'
import { MAX_STRING_BYTES } from './protocol.js'

/** IANA's. */
const NBD_PORT = 10809

/** What an NBD URI says. */
export interface NbdUri {
  readonly tls: boolean
  readonly place: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly exportName: string
  /** Whose certificate the server must show; the host's unless given. */
  readonly tlsHostname: string | undefined
  readonly tlsVerifyPeer: boolean
}

const KNOWN_PARAMETERS = ['socket', 'tls-type', 'tls-hostname', 'tls-verify-peer']

/**
 * @see https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md
 * @throws XenError EINVAL saying what is wrong with it and what would be right
 */
export const parseNbdUri = (text: string): NbdUri => {
  const refuse = (why: string): XenError =>
    new XenError('EINVAL', `${JSON.stringify(text)} is no NBD URI that can be used: ${why}`, { detail: { uri: text } })
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw refuse(`${JSON.stringify(part)} is not percent-encoded text`)
    }
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const [, secure, unix] = /^nbd(s?)(\+unix)?:$/.exec(url?.protocol ?? '') ?? []
  if (url === undefined || secure === undefined)
    throw refuse('expected nbd://HOST:PORT/EXPORT or nbd+unix:///EXPORT?socket=PATH, or nbds for TLS')
  if (url.hash !== '') throw refuse('a "#" in it must be written %23')
  if (url.username !== '' || url.password !== '') throw refuse('it names a user, which nothing is done with')
  const parameters = new Map(
    url.search === ''
      ? []
      : url.search
          .slice(1)
          .split('&')
          .map((pair) => {
            const [name = '', ...value] = pair.split('=')
            return [decode(name), decode(value.join('='))]
          }),
  )
  for (const name of parameters.keys())
    if (!KNOWN_PARAMETERS.includes(name))
      throw refuse(`${JSON.stringify(name)} is none of ${KNOWN_PARAMETERS.join(', ')}`)
  return {
    tls: secure === 's',
    place: unix === undefined ? hostOf(url, decode, parameters, refuse) : socketOf(url, parameters, refuse),
    exportName: exportNameOf(url, decode, refuse),
    ...tlsOf(parameters, refuse),
  }
}

type Decode = (part: string) => string
type Refuse = (why: string) => XenError
type Parameters = ReadonlyMap<string, string>

const hostOf = (url: URL, decode: Decode, parameters: Parameters, refuse: Refuse) => {
  if (parameters.has('socket')) throw refuse('"socket" goes with nbd+unix: or nbds+unix:')
  if (url.hostname === '') throw refuse('it names no host')
  const port = url.port === '' ? NBD_PORT : Number(url.port)
  if (port === 0) throw refuse('port 0 is none')
  return { host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'), port }
}

const socketOf = (url: URL, parameters: Parameters, refuse: Refuse) => {
  if (url.host !== '') throw refuse('a Unix socket is on no host: nbd+unix:///EXPORT?socket=PATH has three slashes')
  const path = parameters.get('socket') ?? ''
  if (path === '') throw refuse('"?socket=PATH" is missing')
  return { path }
}

const exportNameOf = (url: URL, decode: Decode, refuse: Refuse): string => {
  const name = decode(url.pathname.replace(/^\//, ''))
  if (name.includes('\0')) throw refuse('an export has no NUL in its name')
  if (new TextEncoder().encode(name).length > MAX_STRING_BYTES)
    throw refuse(`the name of an export has at most ${MAX_STRING_BYTES} bytes`)
  return name
}

const tlsOf = (parameters: Parameters, refuse: Refuse): Pick<NbdUri, 'tlsHostname' | 'tlsVerifyPeer'> => {
  const type = parameters.get('tls-type') ?? 'x509'
  if (type !== 'x509') throw refuse(`"tls-type" is ${JSON.stringify(type)}; only x509 can be said here`)
  const verify = parameters.get('tls-verify-peer') ?? '1'
  if (verify !== '0' && verify !== '1') throw refuse('"tls-verify-peer" is 0 or 1')
  return { tlsHostname: parameters.get('tls-hostname'), tlsVerifyPeer: verify === '1' }
}
