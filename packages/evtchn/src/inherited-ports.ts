import type { Domid, Port } from '@split-driver/abi'

/**
 * Ports that stay bound when one program takes another's place in a process. A world has this beside `EventChannels` if its
 * operating system keeps them.
 */
export interface InheritedPorts {
  /**
   * Goes on with a port to `remoteDomid` that the program before this one had. It is pending once, as a new one is: its event
   * may have been taken, and the work not been done. The other end may hear of an event without cause.
   * @returns the port at the other end; `undefined` if that is closed
   * @throws XenError EINVAL if it is no port to that domain; EEXIST if this program has it already
   */
  adopt(remoteDomid: Domid, port: Port): Port | undefined
}

/** What leaves ports to the next program. */
export interface PortBequest {
  /**
   * Events that were taken and whose work is not done are given back, so that the next program hears of them.
   * @returns the descriptor by which all ports are bound; whoever keeps it open keeps them
   */
  bequeath(): number
}
