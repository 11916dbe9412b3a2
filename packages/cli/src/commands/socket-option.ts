import type { Command } from 'commander'
import { defaultSocketPath } from '../control/socket-path.js'

export interface SocketOption {
  /** Path of a machine's control socket. */
  readonly socket: string
}

/** Which machine is meant. */
export const addSocketOption = (command: Command): Command =>
  command.option(
    '-s, --socket <path>',
    "the machine's control socket, also by SPLIT_DRIVER_SOCKET",
    defaultSocketPath(),
  )
