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

/** Whether the client's domain, or the one that it acts for, owns a node on the way, and another the last one there is. */
export const isOwnAbove = (client: number, question: Question): boolean => {
  const names = namesOf(client, question)
  const owns = question.ancestry.map(({ permissions: [owner] }) => owner !== undefined && names.includes(owner.domid))
  return owns.includes(true) && owns.at(-1) === false
}

const permissionsThere = ({ ancestry }: Question): readonly Entry[] => ancestry.at(-1)?.permissions ?? []

/** Whether the client's domain, or the one that it acts for, owns the node, or the nearest above that there is. */
export const isOwnOf = (client: number, question: Question): boolean => {
  const [owner] = permissionsThere(question)
  return owner !== undefined && namesOf(client, question).includes(owner.domid)
}

/** What a guest's client may do with the node, or with the nearest above that there is. */
export const rightsOfClient = (client: number, question: Question): string =>
  isOwnOf(client, question) ? 'rw' : rightsOf(namesOf(client, question), permissionsThere(question))

/** As `rightsOfClient`, of the client that asks. */
export const rights = (question: Question): string => rightsOfClient(question.operation.client, question)

/** Whether the guest's own entry there, or its target's, gives it what the first that fits does not. */
export const isMoreByEither = (client: number, question: Question): boolean => {
  const right = rightsOfClient(client, question)
  const either = namesOf(client, question).map((name) => rightsOf([name], permissionsThere(question)))
  return [...either.join('')].some((letter) => !right.includes(letter))
}
