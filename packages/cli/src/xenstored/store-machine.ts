import type { Platform } from '@split-driver/platform'
import { HostClock } from '@split-driver/privcmd'
import type { XenstoreServerOptions } from '@split-driver/xenstored'
import { NO_HYPERVISOR } from './no-hypervisor.js'

/** What a XenStore daemon has below it. */
export interface StoreMachine extends AsyncDisposable {
  /** In words, for the log. */
  readonly name: string
  readonly platform: Pick<Platform, 'events' | 'mapper' | 'clock'>
  /** What of the machine a server must be told of beside. */
  readonly options: XenstoreServerOptions
}

/** A Linux without Xen: nobody but the socket's clients. */
export const openStoreMachine = async (): Promise<StoreMachine> => ({
  name: 'plain Linux',
  platform: { ...NO_HYPERVISOR, clock: new HostClock() },
  options: {},
  [Symbol.asyncDispose]: async () => undefined,
})
