import { closeSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PortBequest } from '@split-driver/evtchn'
import { HostClock, hostPaths, inheritedDescriptor, PrivcmdPlatform } from '@split-driver/privcmd'
import type { ServerPlatform, XenstoreServerOptions } from '@split-driver/xenstored'
import { NO_HYPERVISOR } from './no-hypervisor.js'

/** What a XenStore daemon has below it. */
export interface StoreMachine extends AsyncDisposable {
  /** In words, for the log. */
  readonly name: string
  readonly platform: Required<ServerPlatform>
  /** Why what another program has left could not be taken up. */
  readonly complaint?: string
  /** Leaves ports to another program, where there are any. */
  readonly ports?: PortBequest
  /** What of the machine a server must be told of beside. */
  readonly options: Pick<XenstoreServerOptions, 'controlRing' | 'domainStates'>
}

export interface StoreMachineOptions {
  readonly host?: boolean | undefined
  readonly evtchnFd?: number | undefined
}

/**
 * The host, if its kernel waits for a XenStore daemon, as dom0's does; else this Linux without domains.
 * @param options.host it must be a host, or must not be taken for one; found out unless given
 * @param options.evtchnFd what the program before this one has left; where there is no Xen, it is closed
 * @throws XenError that says what is missing and what to do
 */
export const openStoreMachine = async ({
  host = existsSync(join(hostPaths().procXen, 'xsd_kva')),
  evtchnFd,
}: StoreMachineOptions = {}): Promise<StoreMachine> => (host ? openHostMachine(evtchnFd) : plainMachine(evtchnFd))

/** Nobody but the socket's clients. */
const plainMachine = (evtchnFd: number | undefined): StoreMachine => {
  if (evtchnFd !== undefined) closeSync(evtchnFd)
  return {
    name: 'Linux without Xen',
    platform: { ...NO_HYPERVISOR, clock: new HostClock(), inheritedPorts: undefined },
    options: {},
    [Symbol.asyncDispose]: async () => undefined,
  }
}

const openHostMachine = async (said: number | undefined): Promise<StoreMachine> => {
  const evtchnFd = said === undefined ? undefined : inheritedDescriptor(hostPaths().evtchn, said)
  const platform = await PrivcmdPlatform.open({ xenstore: 'none', evtchnFd })
  try {
    const { storeRing, domainStates } = platform
    return {
      name: 'Xen host',
      platform,
      ...(evtchnFd === said ? {} : { complaint: misled(said!, evtchnFd) }),
      ports: platform.events,
      options: { controlRing: { page: storeRing.page, port: storeRing.port }, domainStates },
      [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
    }
  } catch (error) {
    await platform[Symbol.asyncDispose]()
    throw error
  }
}

/** Without their ports, toolstacks at the sockets are served all the same, and guests that are introduced anew. */
const misled = (said: number, found: number | undefined): string =>
  `the program before this one said that descriptor ${said} has the event channels, which it has not; ${
    found === undefined
      ? 'guests are not served until they are introduced anew'
      : `they are taken up by descriptor ${found}`
  }`
