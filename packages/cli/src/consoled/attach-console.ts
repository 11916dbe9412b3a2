import { createConnection, type Socket } from 'node:net'
import { type Domid, XenError } from '@split-driver/abi'
import { type AttachRequest, parseAnswer, readFirstLine } from './attach-request.js'
import { domainSocket } from './socket-names.js'

export interface AttachOptions extends Partial<AttachRequest> {
  /** Where the daemon has its sockets. */
  readonly socketFolder: string
  readonly domid: Domid
}

/** A console at a distance: raw bytes both ways, with the guest's own back-pressure. */
export interface AttachedConsole extends Disposable {
  /** What the guest writes. Ends with the domain, or with the daemon. */
  readonly output: AsyncIterable<Buffer>
  /** Resolves when the daemon has taken the bytes. Only who attached with access `write` is heard. */
  type(bytes: Uint8Array): Promise<void>
}

/**
 * Attaches to the console of a domain that a running `split-driver consoled` serves.
 * @throws XenError ENOENT there is no such socket, EACCES we may not use it, EBUSY another one types, EPROTO
 */
export const attachConsole = async (options: AttachOptions): Promise<AttachedConsole> => {
  const { socketFolder, domid, access = 'write', history = true } = options
  const path = domainSocket(socketFolder, domid)
  const socket = await connected(path, domid)
  try {
    const request: AttachRequest = { access, history }
    socket.write(`${JSON.stringify(request)}\n`)
    const input: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]()
    const { line, rest } = await readFirstLine(input)
    const answer = parseAnswer(line)
    if (!answer.ok) throw refused(answer.code, answer.message, domid)
    return attached(socket, rest, input)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

const attached = (socket: Socket, first: Buffer, input: AsyncIterator<Buffer>): AttachedConsole => ({
  output: outputOf(first, input),
  type: (bytes) =>
    new Promise((resolve, reject) => {
      socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    }),
  [Symbol.dispose]: () => void socket.destroy(),
})

async function* outputOf(first: Buffer, input: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  if (first.length > 0) yield first
  for (let next = await input.next(); !next.done; next = await input.next()) yield next.value
}

const connected = (path: string, domid: Domid): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(path, () => {
      socket.off('error', fail)
      // Later errors come out of the iteration.
      socket.on('error', () => undefined)
      resolve(socket)
    })
    const fail = (error: NodeJS.ErrnoException): void => reject(unreachable(path, domid, error))
    socket.once('error', fail)
  })

const unreachable = (path: string, domid: Domid, error: NodeJS.ErrnoException): XenError => {
  const detail = { path, domid }
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return new XenError('EACCES', `no permission for ${path}: run as the user of split-driver consoled`, { detail })
  const reason = `nobody serves the console of domain ${domid} at ${path}`
  return new XenError('ENOENT', `${reason}: is split-driver consoled running, and does the domain?`, { detail })
}

/** The daemon's refusal, as if it came from here. */
const refused = (code: string, message: string, domid: Domid): XenError => {
  const text = message.replace(/^[A-Z0-9]+: /, '')
  return new XenError(code === 'EBUSY' ? 'EBUSY' : 'EPROTO', text, { detail: { domid } })
}
