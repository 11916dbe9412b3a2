import { XenStoreOp } from '@split-driver/xenbus'
import { nodeOf, parentOf, stringsOf } from '../differential/clients.js'
import type { Comparison, Question } from '../differential/difference.js'
import { errorOf } from '../differential/observation.js'

/** What a reply may be: the name of an error, or that it is none. */
type Answer = string | 'no error'

const answers = (comparison: Comparison, side: 'ours' | 'theirs', expected: Answer | readonly Answer[]): boolean =>
  [expected].flat().includes(errorOf(comparison[side]) ?? 'no error')

/** Whether the two replies are these. */
export const replied = (
  comparison: Comparison,
  { ours, theirs }: { readonly ours: Answer | readonly Answer[]; readonly theirs: Answer | readonly Answer[] },
): boolean => answers(comparison, 'ours', ours) && answers(comparison, 'theirs', theirs)

export const asks = ({ operation }: Question, ...types: readonly number[]): boolean => types.includes(operation.type)

/** The body's strings, with what follows the last NUL as one more if there is anything. */
export const partsOf = ({ operation }: Question): string[] => stringsOf(operation.body)

/** Exactly one string, and the NUL that ends it. */
export const isOneString = ({ operation: { body } }: Question): boolean =>
  body.length > 0 && body.indexOf(0) === body.length - 1

export const isInTransaction = ({ operation }: Question): boolean => operation.transaction !== 'none'

/** Whether one is the other, or lies below it. */
export const touch = (one: string, other: string): boolean =>
  one === '/' || other === '/' || `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`)

/** It asks in a transaction about a node that was changed outside, or one above or below it was, since that began. */
export const isMoved = ({ past, operation }: Question): boolean => {
  const node = nodeOf(operation)
  return node !== undefined && (past?.moved.some((moved) => touch(moved, node)) ?? false)
}

/** Outside of its transaction, nodes that it asked about were changed, or came or went beside them, since it began. */
export const isContested = ({ past }: Question): boolean =>
  past?.moved.some((moved) => past.asked.some((asked) => touch(parentOf(moved), asked))) ?? false

/** Whether there was the node when it was asked about; of one in a transaction nothing is known. */
export const isThere = ({ ancestry, operation, past }: Question): boolean | undefined =>
  past === undefined ? ancestry.at(-1)?.path === nodeOf(operation) : undefined

/** It changes a node. */
export const changes = (comparison: Question): boolean =>
  asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir, XenStoreOp.Rm, XenStoreOp.SetPerms)
