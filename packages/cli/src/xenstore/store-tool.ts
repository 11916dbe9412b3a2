import type { XenStore, XenStoreOperations } from '@split-driver/xenbus'
import type { ToolOutput } from './tool-output.js'

/** What a tool has: a XenStore, and where it prints. */
export interface StoreTool {
  readonly store: XenStore
  readonly output: ToolOutput
}

/** Runs `body` in a transaction if it asks more than one thing: a single one needs none. */
export const inOne = (
  store: XenStore,
  together: boolean,
  body: (store: XenStoreOperations) => Promise<void>,
): Promise<void> => (together ? store.transaction(body) : body(store))

/**
 * As `inOne`, for what prints: a transaction that must begin anew prints nothing twice. What there was to print before an
 * error is printed.
 */
export const printInOne = async (
  { store, output }: StoreTool,
  together: boolean,
  body: (store: XenStoreOperations, print: (piece: string | Uint8Array) => void) => Promise<void>,
): Promise<void> => {
  let pieces: (string | Uint8Array)[] = []
  try {
    await inOne(store, together, (operations) => {
      pieces = []
      return body(operations, (piece) => void pieces.push(piece))
    })
  } finally {
    for (const piece of pieces) await output.print(piece)
  }
}
