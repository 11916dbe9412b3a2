import { type KeysToWrite, keyText } from './keys/key-set.js'
import { readStateText } from './read-state.js'
import type { XenbusState } from './state.js'
import { joinPath } from './wire/path.js'
import type { XenStore } from './xenstore.js'

export interface SwitchStateOptions {
  /** Further keys of the directory, written in the same transaction. */
  readonly keys?: KeysToWrite
  /** Writes nothing if the node holds one of these: somebody else asked for something that comes first. */
  readonly unless?: readonly XenbusState[]
}

/** `gone`: the directory was removed, and stays so. `overtaken`: the node held an `unless` state. */
export type SwitchOutcome = 'switched' | 'unchanged' | 'overtaken' | 'gone'

/**
 * Writes a device's state if it changes and the node still exists, in one transaction with `keys` (rule 33): a directory
 * that the toolstack has removed is never brought back.
 * @throws XenError EACCES if it can be read but not written; EAGAIN CLOSED
 */
export const switchState = (
  store: Pick<XenStore, 'transaction'>,
  directory: string,
  state: XenbusState,
  { keys = {}, unless = [] }: SwitchStateOptions = {},
): Promise<SwitchOutcome> =>
  store.transaction(async (transaction) => {
    const { path, text: current } = await readStateText(transaction, directory)
    if (current === undefined) return 'gone'
    if (unless.some((other) => current === String(other))) return 'overtaken'
    for (const [name, value] of Object.entries(keys)) {
      if (value !== undefined) await transaction.write(joinPath(directory, name), keyText(value))
    }
    if (current === String(state)) return 'unchanged'
    await transaction.write(path, String(state))
    return 'switched'
  })
