import type { Platform } from '@split-driver/platform'
import type { HostReport, XenStoreRoute } from '@split-driver/privcmd'
import type { ByteChannel } from '@split-driver/xenbus'
import type { ExitCode } from '../exit-code.js'
import type { ToolOutput } from '../xenstore/tool-output.js'
import type { StoreMachine, StoreMachineOptions } from '../xenstored/store-machine.js'

/** What the commands need from outside. */
export interface CommandWorld {
  /** Opens the world that daemons serve. @throws XenError that says what is missing and what to do */
  openPlatform(): Promise<Platform>
  /** Opens a privileged connection to this host's XenStore. @throws XenError that says what is missing and what to do */
  openXenstore(route: XenStoreRoute): Promise<ByteChannel>
  /**
   * Opens what a XenStore daemon serves.
   * @param options.host whether it is a Xen host; found out unless given
   * @param options.evtchnFd by which the program before this one has left its ports open
   * @throws XenError that says what is missing and what to do
   */
  openStoreMachine(options?: StoreMachineOptions): Promise<StoreMachine>
  /** Looks at the host. Changes nothing. */
  inspectHost(): Promise<HostReport>
  /** Where XenStore's tools print; standard output unless given. */
  readonly output?: ToolOutput
}

/** What a command tells its surroundings. */
export interface CommandHost extends CommandWorld {
  /** The command has done its work. */
  finish(code: ExitCode): void
}
