import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { EventClock } from '@split-driver/evtchn'
import { hostClock } from '@split-driver/xenbus/node'
import { NbdClient } from '../nbd/nbd-client.js'
import type { NbdObserver, NbdTuning } from '../nbd/nbd-client-options.js'
import { NbdDisk, type NbdDiskOptions } from '../nbd/nbd-disk.js'
import { type NbdUri, parseNbdUri } from '../nbd/nbd-uri.js'
import { dialSocket } from './socket-stream.js'

export interface NbdBlockStoreOptions extends NbdDiskOptions, NbdTuning, NbdObserver {
  /** For nbds: and nbds+unix:, what Node's `tls.connect` takes: `ca`, `cert`, `key`, `pskCallback` … */
  readonly tls?: ConnectionOptions
  /** In place of Node's timers; a Platform's, for whoever has one. */
  readonly clock?: EventClock
  /** In place of chance, for the waits between tries to connect. */
  readonly random?: () => number
}

/**
 * A disk on whatever speaks NBD: nbdkit, qemu-nbd, nbd-server, on this machine or another. Requests are pipelined; a read
 * fills the given views, and a write is sent from them.
 *
 * A connection that is lost is made anew, and requests wait for it (`patienceMs`); what was acknowledged and not flushed is
 * kept and written anew first, since the server may have lost it (`keepBytes`).
 */
export class NbdBlockStore extends NbdDisk {
  readonly uri: string

  private constructor(uri: string, client: NbdClient, options: NbdDiskOptions) {
    super(uri, client, options)
    this.uri = uri
  }

  /**
   * Opens `nbd://HOST:PORT/EXPORT` or `nbd+unix:///EXPORT?socket=PATH`, or with `nbds` the same over TLS; tried once.
   * @throws XenError EINVAL for a URI or an export that cannot be used, ENOENT no such socket or export, EACCES TLS is
   * wanted by one side alone or failed, EPROTO that is no NBD server, EIO it cannot be reached …; the message says more
   */
  static async open(uri: string, options: NbdBlockStoreOptions = {}): Promise<NbdBlockStore> {
    const parsed = parseNbdUri(uri)
    const { tls, exportName, place } = parsed
    const dial = dialSocket(place, tls ? tlsOptions(parsed, options.tls) : undefined)
    const client = await NbdClient.open({ clock: hostClock, random: Math.random, ...options, dial, exportName, tls })
    try {
      return new NbdBlockStore(uri, client, options)
    } catch (error) {
      client.close()
      throw error
    }
  }
}

const tlsOptions = (
  { place, tlsHostname, tlsVerifyPeer }: NbdUri,
  given: ConnectionOptions = {},
): ConnectionOptions => {
  const host = tlsHostname ?? ('host' in place ? place.host : 'localhost')
  // A server's name is never an address; the certificate is checked against either.
  const names = isIP(host) === 0 ? { servername: host, host } : { host }
  return { rejectUnauthorized: tlsVerifyPeer, ...names, ...given }
}
