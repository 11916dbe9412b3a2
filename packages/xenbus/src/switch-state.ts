import { XenError } from '@split-driver/abi'
import { type KeysToWrite, keyText } from './keys/key-set.js'
import { readStateText } from './read-state.js'
import type { XenbusState } from './state.js'
import { joinPath } from './wire/path.js'
import type { XenStore, XenStoreOperations } from './xenstore.js'

export interface SwitchStateOptions {
  /** Further keys of the directory, written in the same transaction. */
  readonly keys?: KeysToWrite
  /** Also if the node holds that state already, and then only: who watches it is to look at the keys (rule 30). */
  readonly again?: boolean
  /** Writes nothing if the node holds one of these: somebody else asked for something that comes first. */
  readonly unless?: readonly XenbusState[]
}

/** `gone`: the directory was removed, and stays so. `overtaken`: the node held an `unless` state. */
export type SwitchOutcome = 'switched' | 'unchanged' | 'overtaken' | 'gone'

/**
 * Writes a device's state if it changes and the node still exists, in one transaction with `keys` (rule 33): a directory
 * that the toolstack has removed is never brought back. Since it looks before it writes, it is done once more where the
 * connection ended with its commit under way.
 * @throws XenError EACCES if it can be read but not written; EAGAIN; CLOSED for good, or twice in a row
 */
export const switchState = async (
  store: Pick<XenStore, 'transaction'>,
  directory: string,
  state: XenbusState,
  options: SwitchStateOptions = {},
): Promise<SwitchOutcome> => {
  const run = (): Promise<SwitchOutcome> => store.transaction((t) => switchWithin(t, directory, state, options))
  try {
    return await run()
  } catch (error) {
    if (!XenError.is(error, 'CLOSED')) throw error
    return run()
  }
}

const switchWithin = async (
  transaction: XenStoreOperations,
  directory: string,
  state: XenbusState,
  { keys = {}, unless = [], again = false }: SwitchStateOptions,
): Promise<SwitchOutcome> => {
  const { path, text: current } = await readStateText(transaction, directory)
  if (current === undefined) return 'gone'
  const isHeld = current === String(state)
  if ((again && !isHeld) || unless.some((other) => current === String(other))) return 'overtaken'
  for (const [name, value] of Object.entries(keys)) {
    if (value !== undefined) await transaction.write(joinPath(directory, name), keyText(value))
  }
  if (isHeld && !again) return 'unchanged'
  await transaction.write(path, String(state))
  return 'switched'
}
