import { DOM0, XenError } from '@split-driver/abi'
import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { HostClock } from './host-clock.js'
import { fileExists } from './host-files.js'

/** What XenStore says of domain 0. */
export interface Domain0Report {
  readonly path: string
  /** `XenStoreServerFeature` bits; `undefined` from a server that is older than the question. */
  readonly features: number | undefined
}

export interface StoreReport {
  readonly socket: string
  readonly exists: boolean
  readonly answers: boolean
  /** Whenever it answers. */
  readonly domain0: Domain0Report | undefined
}

/** A daemon that has not answered by then is one that does not. */
const PATIENCE_MS = 2000

/** Asks the daemon behind `socket`, and changes nothing there. */
export const storeReport = async (socket: string): Promise<StoreReport> => {
  const exists = fileExists(socket)
  const domain0 = exists ? await askDomain0(socket) : undefined
  return { socket, exists, answers: domain0 !== undefined, domain0 }
}

const askDomain0 = async (socket: string): Promise<Domain0Report | undefined> => {
  try {
    const channel = await SocketChannel.connect(socket)
    const timer = new HostClock().setTimer(PATIENCE_MS, () => channel.close())
    const client = new XenStoreClient(channel)
    try {
      return { path: await client.getDomainPath(DOM0), features: await featuresOf(client) }
    } finally {
      timer.cancel()
      await client.close()
    }
  } catch {
    return undefined
  }
}

const featuresOf = async (client: XenStoreClient): Promise<number | undefined> => {
  try {
    return await client.getFeatures(DOM0)
  } catch (error) {
    if (XenError.is(error, 'ENOSYS') || XenError.is(error, 'EINVAL')) return undefined
    throw error
  }
}
