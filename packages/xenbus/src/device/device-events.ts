import type { XenbusState } from '../state.js'

/** What happens to one half of a device. */
export type DeviceEvents = {
  /** Our own state was written. */
  state: (state: XenbusState) => void
  /** The other half's state differs from what we last saw; `undefined` when it is not there. */
  'otherend-state': (state: XenbusState | undefined) => void
  /** The device failed: a peer's misbehaviour, a bad key, a hook that threw. Without a listener nothing is thrown. */
  error: (error: Error) => void
  /** This half is done with for good; everything it held is free. `reason` unless it was closed in order. */
  closed: (reason: Error | undefined) => void
}
