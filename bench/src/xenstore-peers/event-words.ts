import type { Port } from '@split-driver/abi'

/** An event between a daemon and bench/c/xenstored-shim.c's hypervisor is the daemon's port, in so many bytes. */
export const WORD_BYTES = 4

export const VIRQ_PORT = 1 as Port

const FIRST_DOMAIN_PORT = 1000

/** The daemon's end of a domain's event channel. */
export const domainPort = (domid: number): Port => (FIRST_DOMAIN_PORT + domid) as Port
