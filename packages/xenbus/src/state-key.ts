import { type Key, numberKey } from './keys/key.js'
import { XenbusState } from './state.js'

const NUMBERS = numberKey(XenbusState.Unknown, XenbusState.Reconfigured)

/** A state as its key holds it: one decimal digit. */
export const stateKey: Key<XenbusState> = {
  expected: 'a XenBus state, 0 to 8',
  parse: (text) => NUMBERS.parse(text) as XenbusState | undefined,
  format: String,
}
