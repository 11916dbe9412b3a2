import type { Entry } from '../differential/ancestry.js'
import { domidOf } from '../differential/clients.js'
import type { Question } from '../differential/difference.js'

const lettersOf: Readonly<Record<string, string>> = { n: '', r: 'r', w: 'w', b: 'rw' }

/** A client's domain, and the one that it acts for. */
const namesOf = (client: number, { targets }: Question): number[] => {
  const own = domidOf(client)
  const target = targets.get(own)
  return target === undefined ? [own] : [own, target]
}

/** What the first entry that names any of them gives. */
const rightsOf = (names: readonly number[], [first, ...others]: readonly Entry[]): string => {
  const entry = others.find(({ domid }) => names.includes(domid)) ?? first
  return lettersOf[entry?.letter ?? 'n'] ?? ''
}

const permissionsThere = ({ ancestry }: Question): readonly Entry[] => ancestry.at(-1)?.permissions ?? []

/** Whether the client's domain, or the one that it acts for, owns the node, or the nearest above that there is. */
export const isOwnOf = (client: number, question: Question): boolean => {
  const [owner] = permissionsThere(question)
  return owner !== undefined && namesOf(client, question).includes(owner.domid)
}

/** What the asking guest may do with the node, or with the nearest above that there is. */
export const rights = (question: Question): string => {
  const { client } = question.operation
  return isOwnOf(client, question) ? 'rw' : rightsOf(namesOf(client, question), permissionsThere(question))
}

/** What the guest may do there by its own entry, or its target by that one's. */
export const rightsOfEither = (question: Question): string =>
  namesOf(question.operation.client, question)
    .map((name) => rightsOf([name], permissionsThere(question)))
    .join('')
