import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Platform } from '@split-driver/platform'
import { HostClock, hostPaths, PrivcmdPlatform } from '@split-driver/privcmd'
import type { XenstoreServerOptions } from '@split-driver/xenstored'
import { NO_HYPERVISOR } from './no-hypervisor.js'

/** What a XenStore daemon has below it. */
export interface StoreMachine extends AsyncDisposable {
  /** In words, for the log. */
  readonly name: string
  readonly platform: Pick<Platform, 'events' | 'mapper' | 'clock'>
  /** What of the machine a server must be told of beside. */
  readonly options: Pick<XenstoreServerOptions, 'controlRing' | 'domainStates'>
}

/**
 * The host, if its kernel waits for a XenStore daemon, as dom0's does; else this Linux without domains.
 * @param host it must be a host, or must not be taken for one; found out unless given
 * @throws XenError that says what is missing and what to do
 */
export const openStoreMachine = async (
  host = existsSync(join(hostPaths().procXen, 'xsd_kva')),
): Promise<StoreMachine> => (host ? openHostMachine() : plainMachine())

/** Nobody but the socket's clients. */
const plainMachine = (): StoreMachine => ({
  name: 'Linux without Xen',
  platform: { ...NO_HYPERVISOR, clock: new HostClock() },
  options: {},
  [Symbol.asyncDispose]: async () => undefined,
})

const openHostMachine = async (): Promise<StoreMachine> => {
  const platform = await PrivcmdPlatform.open({ xenstore: 'none' })
  try {
    const { storeRing, domainStates } = platform
    return {
      name: 'Xen host',
      platform,
      options: { controlRing: { page: storeRing.page, port: storeRing.port }, domainStates },
      [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
    }
  } catch (error) {
    await platform[Symbol.asyncDispose]()
    throw error
  }
}
