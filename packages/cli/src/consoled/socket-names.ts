import { join } from 'node:path'
import type { Domid } from '@split-driver/abi'

/** Where the command looks for a daemon's sockets, and puts them. */
export const DEFAULT_SOCKET_FOLDER = '/run/split-driver/consoled'

/** The socket that one daemon holds as long as it serves a folder. */
export const daemonSocket = (folder: string): string => join(folder, 'consoled.sock')

/** The socket at which a domain's console can be attached. */
export const domainSocket = (folder: string, domid: Domid): string => join(folder, `domain-${domid}.sock`)

export const DOMAIN_SOCKET = /^domain-(\d{1,5})\.sock$/
