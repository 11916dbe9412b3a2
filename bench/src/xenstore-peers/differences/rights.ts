import type { Entry } from '../differential/ancestry.js'
import { domidOf } from '../differential/clients.js'
import type { Question } from '../differential/difference.js'

const lettersOf: Readonly<Record<string, string>> = { n: '', r: 'r', w: 'w', b: 'rw' }

/** The domain that asks, and the one that it acts for. */
const namesOf = ({ operation, target }: Question): number[] => {
  const own = domidOf(operation.client)
  return target === undefined ? [own] : [own, target]
}

/** What the first entry that names any of them gives. */
const rightsOf = (names: readonly number[], [first, ...others]: readonly Entry[]): string => {
  const entry = others.find(({ domid }) => names.includes(domid)) ?? first
  return lettersOf[entry?.letter ?? 'n'] ?? ''
}

/** Whether the asking guest, or the domain that it acts for, owns the node, or the nearest above that there is. */
export const isOwn = (question: Question): boolean => {
  const owner = question.ancestry.at(-1)?.permissions[0]?.domid
  return owner !== undefined && namesOf(question).includes(owner)
}

/** What the asking guest may do with the node, or with the nearest above that there is. */
export const rights = (question: Question): string =>
  isOwn(question) ? 'rw' : rightsOf(namesOf(question), question.ancestry.at(-1)?.permissions ?? [])

/** What the guest may do there by its own entry, or its target by that one's. */
export const rightsOfEither = (question: Question): string =>
  namesOf(question)
    .map((name) => rightsOf([name], question.ancestry.at(-1)?.permissions ?? []))
    .join('')
