import { join } from 'node:path'
import { PAGE_BYTES, type Port, type SharedMemory, XenError } from '@split-driver/abi'
import type { HostPaths } from './host-paths.js'
import { refusal } from './refusal.js'
import { SystemCallError } from './system-call-error.js'
import type { MappedRange, SystemCalls } from './system-calls.js'
import { xenHost } from './xen-host.js'

/** Longest text that /proc/xen/xsd_port holds, in bytes. */
const PORT_TEXT_BYTES = 20

/**
 * The ring page and the port by which dom0's kernel waits for its XenStore daemon. The page is the kernel's own and no
 * grant's; the port is left unbound for dom0 itself, to be bound by `bindInterdomain(DOM0, port)`.
 * @see Linux, drivers/xen/xenfs/xenstored.c
 */
export class StoreRing implements Disposable {
  readonly page: SharedMemory
  /** The kernel's end. */
  readonly port: Port
  readonly #calls: SystemCalls
  readonly #range: MappedRange
  #closed = false

  /** @throws XenError ENODEV no Xen host, ENOENT not dom0 or no xenfs, EACCES no right */
  static open(calls: SystemCalls, paths: HostPaths): StoreRing {
    return new StoreRing(calls, readPort(calls, paths), mapPage(calls, paths))
  }

  private constructor(calls: SystemCalls, port: Port, range: MappedRange) {
    this.#calls = calls
    this.#range = range
    this.port = port
    this.page = range.memory
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    if (this.#closed) return
    this.#closed = true
    this.#calls.unmap(this.#range)
  }
}

const mapPage = (calls: SystemCalls, paths: HostPaths): MappedRange =>
  withFile(calls, paths, 'xsd_kva', 'read-write', (fd) => calls.map(fd, 0, PAGE_BYTES, 'writable'))

/** Linux writes it in decimal digits. */
const readPort = (calls: SystemCalls, paths: HostPaths): Port => {
  const text = withFile(calls, paths, 'xsd_port', 'read-only', (fd) => {
    const bytes = new Uint8Array(PORT_TEXT_BYTES)
    return new TextDecoder().decode(bytes.subarray(0, calls.read(fd, bytes))).trim()
  })
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text) as Port
  throw new XenError('EIO', `${join(paths.procXen, 'xsd_port')} holds no port: "${text}"`)
}

const withFile = <T>(
  calls: SystemCalls,
  paths: HostPaths,
  name: 'xsd_kva' | 'xsd_port',
  access: 'read-only' | 'read-write',
  use: (fd: number) => T,
): T => {
  const path = join(paths.procXen, name)
  let fd: number | undefined
  try {
    fd = calls.open(path, access)
    return use(fd)
  } catch (error) {
    throw fd === undefined ? cannotOpen(paths, path, error) : refusal(error, `${path} is of no use`)
  } finally {
    if (fd !== undefined) calls.close(fd)
  }
}

const cannotOpen = (paths: HostPaths, path: string, error: unknown): unknown => {
  if (!SystemCallError.is(error)) return error
  const options = { cause: error, detail: { path } }
  if (!xenHost(paths))
    return new XenError('ENODEV', 'this kernel does not run on Xen; nobody there waits for a XenStore', options)
  if (error.errno === 'EACCES' || error.errno === 'EPERM')
    return new XenError('EACCES', `this user may not open ${path}; run as root`, options)
  return new XenError(
    'ENOENT',
    `there is no ${path}: mount xenfs on ${paths.procXen}; only dom0 has this file`,
    options,
  )
}
