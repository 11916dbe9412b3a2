import type { XenError } from '@split-driver/abi'
import type { EventClock } from '@split-driver/evtchn'
import type { NbdTarget } from './nbd-link.js'

/** How much is under way, and how long is waited. */
export interface NbdTuning {
  /** Most requests without an answer; 64 unless given. */
  readonly depth?: number
  /** Most bytes that these carry, a single request aside; 16 MiB unless given. */
  readonly inFlightBytes?: number
  /**
   * Most bytes of acknowledged writes that are kept until a flush covers them, to be written anew should the server
   * restart and have lost them; at half of it the server is told to flush. 32 MiB unless given. A write larger than half of
   * it is asked to be durable at once.
   */
  readonly keepBytes?: number
  /** How long a connection may take until the export can be used; 10 s unless given. */
  readonly connectMs?: number
  /** How long a request waits once its connection is lost, before it fails with EIO; 120 s unless given. */
  readonly patienceMs?: number
  /**
   * Requests wait and no answer comes for so long: the connection is given up, and made anew. Never unless given: a server
   * that is merely slow may carry out what came over the old connection after what came over the new one.
   */
  readonly silenceMs?: number
}

/** Told about the connection, for a log. */
export interface NbdObserver {
  /** It was lost; requests wait. */
  readonly onLost?: (error: XenError) => void
  /** There is one again, and what was unflushed has been written anew. */
  readonly onBack?: () => void
}

export interface NbdClientOptions extends NbdTarget, NbdTuning, NbdObserver {
  readonly clock: EventClock
  /** From 0 to below 1: how much of a wait between tries to connect is waited. All of it unless given. */
  readonly random?: () => number
}
