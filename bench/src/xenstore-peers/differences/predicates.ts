import { stringsOf } from '../differential/clients.js'
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

/** It asks inside a transaction, and others have changed the tree since that began. */
export const isStale = ({ past }: Question): boolean => past !== undefined && past.moved.length > 0
