import { type Command, Option } from 'commander'
import { defaultSocketPath } from '../control/socket-path.js'
import type { StoreChoice } from '../xenstore/open-store.js'

/** Which XenStore is meant. */
export const addStoreOptions = (command: Command): Command =>
  command
    .addOption(new Option('--xenstored <path>', "XenStore's own socket, also by XENSTORED_PATH or XENSTORED_RUNDIR"))
    .addOption(new Option('--device', "the kernel's connection, /dev/xen/xenbus").default(false).conflicts('xenstored'))
    .addOption(new Option('--host', 'the XenStore of this host').default(false).conflicts(['xenstored', 'device']))
    .addOption(
      new Option('--socket <path>', "the machine's control socket, also by SPLIT_DRIVER_SOCKET")
        .default(defaultSocketPath())
        .conflicts(['xenstored', 'device', 'host']),
    )

export const storeChoice = (command: Command): StoreChoice => {
  const options = command.opts<{ xenstored?: string; device: boolean; host: boolean; socket: string }>()
  const { xenstored, device, host, socket } = options
  return { xenstored, device, host, socket, named: command.getOptionValueSource('socket') !== 'default' }
}
