import { XenbusState } from './state.js'

const { Initialising, InitWait, Initialised, Connected, Closing, Closed, Reconfiguring, Reconfigured } = XenbusState

/**
 * Where one half may go from each state. Skips forward are legal (many frontends go straight to Connected, rule 32), the
 * way down is open from everywhere, and only Closed leads back to the beginning.
 */
const NEXT: Readonly<Record<XenbusState, readonly XenbusState[]>> = {
  [XenbusState.Unknown]: [Initialising, InitWait, Initialised, Connected, Closing, Closed],
  [Initialising]: [InitWait, Initialised, Connected, Closing, Closed],
  [InitWait]: [Initialised, Connected, Closing, Closed],
  [Initialised]: [Connected, Closing, Closed],
  [Connected]: [Closing, Closed, Reconfiguring, Reconfigured],
  [Closing]: [Closed],
  [Closed]: [Initialising, InitWait],
  [Reconfiguring]: [Reconfigured, Connected, Closing, Closed],
  [Reconfigured]: [Reconfiguring, Connected, Closing, Closed],
}

/**
 * May one half's state follow the other in a complete record of its writes? The same state again always may: that is how
 * a change of other keys is told (rule 30). Someone who watches sees fewer steps than were made (rule 36), so this cannot
 * judge what a watch shows.
 */
export const isLegalTransition = (from: XenbusState, to: XenbusState): boolean => from === to || NEXT[from].includes(to)
