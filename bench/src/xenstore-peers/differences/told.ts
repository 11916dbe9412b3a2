import { absolute, domidOf, nodeOf, SOCKET_CLIENTS, stringsOf } from '../differential/clients.js'
import type { Comparison, Question } from '../differential/difference.js'
import type { Observation } from '../differential/observation.js'
import { shown } from '../differential/operation.js'
import { isMoreByEither, isOwnAbove, isOwnOf } from './rights.js'

/** An event as a client got it. */
export interface Told {
  readonly client: number
  /** As `Observation` has it. */
  readonly text: string
  /** Absolute; of one that is too long to be shown only the beginning. */
  readonly path: string
}

const toldOf = (client: number, text: string): Told => {
  const [path = ''] = JSON.parse(text).split('\0')
  return { client, text, path: absolute(client, path) }
}

/** What clients got with the one and not, or less often, with the other. */
export const extras = (one: Observation, other: Observation): Told[] =>
  one.events.flatMap((events, client) => {
    const left = [...other.events[client]!]
    const extra = events.filter((event) => {
      const at = left.indexOf(event)
      if (at >= 0) left.splice(at, 1)
      return at < 0
    })
    return extra.map((text) => toldOf(client, text))
  })

export const hasAll = (one: Observation, other: Observation): boolean => extras(other, one).length === 0

export const isGuest = ({ client }: Told): boolean => client >= SOCKET_CLIENTS

/** The nodes that an operation, or the end of a transaction, changes. */
const changedBy = ({ operation, past }: Question): readonly string[] => {
  const node = nodeOf(operation)
  return node === undefined ? (past?.changed ?? []) : [node]
}

const isBelow = (path: string, above: string): boolean => path.startsWith(above === '/' ? '/' : `${above}/`)

/** It is about a node that was changed, or about one below it. */
export const isOfChange = ({ path }: Told, question: Question): boolean =>
  changedBy(question).some((changed) => path === changed || isBelow(path, changed) || isBelow(changed, path))

/** It is about what the client watches itself, below a node that was changed. */
export const isWatchedBelow = ({ client, path }: Told, question: Question): boolean =>
  changedBy(question).some((changed) => isBelow(path, changed)) &&
  question.watches.some((watch) => watch.client === client && pathOf(watch) === path)

/** The client owns the node, or makes it; of more than one node nothing is known. */
export const isOfOwner = ({ client, path }: Told, question: Question): boolean => {
  const { ancestry, operation, past } = question
  const node = nodeOf(operation)
  if (node !== path || past !== undefined) return true
  return ancestry.at(-1)?.path === node ? isOwnOf(client, question) : domidOf(client) === domidOf(operation.client)
}

/** The client owns a node above, and another made the node, or makes it. */
export const isBelowOwn = ({ client, path }: Told, question: Question): boolean => {
  const { ancestry, operation } = question
  if (nodeOf(operation) !== path) return false
  const isMade = ancestry.at(-1)?.path !== path
  return (
    isOwnAbove(client, question) ||
    (isMade && isOwnOf(client, question) && domidOf(client) !== domidOf(operation.client))
  )
}

const pathOf = ({ client, body }: Question['watches'][number]): string => absolute(client, stringsOf(body)[0] ?? '')

/** A guest that acts for another domain may know of the node by an entry that does not count. */
export const isToldByEither = ({ client, path }: Told, question: Question): boolean =>
  path === nodeOf(question.operation) && isMoreByEither(client, question)

/** For each client's events of one node: outer watches before inner ones, younger before older ones. */
export const isOuterFirst = (comparison: Comparison): boolean =>
  comparison.theirs.events.every((events, client) => {
    const told = events.map((text) => toldOf(client, text))
    return told.every((next, i) => next.path !== told[i - 1]?.path || goesBefore(told[i - 1]!, next, comparison))
  })

/** Each client is told of nodes in the same order by both. */
export const isOfNodesInOrder = ({ ours, theirs }: Comparison): boolean =>
  ours.events.every((events, client) => {
    const [some, others] = [events, theirs.events[client]!].map((list) => list.map((text) => toldOf(client, text)))
    return nodesOf(some!) === nodesOf(others!)
  })

const nodesOf = (told: readonly Told[]): string =>
  told
    .map(({ path }) => path)
    .filter((path, i, all) => path !== all[i - 1])
    .join(' ')

const goesBefore = (one: Told, next: Told, question: Question): boolean => {
  const sources = sourcesOf(next, question)
  return sourcesOf(one, question).some(([path, rank]) =>
    sources.some(([other, otherRank]) => path.length < other.length || (path === other && rank > otherRank)),
  )
}

/** The watches that an event can be of, each with its path and its rank by age. */
const sourcesOf = ({ client, text }: Told, { watches }: Question): [path: string, rank: number][] =>
  watches.flatMap((watch, rank): [string, number][] => {
    if (watch.client !== client) return []
    const [given = '', token = ''] = stringsOf(watch.body)
    const shownPath: string = JSON.parse(text).split('\0')[0]
    const isRelative = !/^[/@]/.test(given)
    if (isRelative === /^[/@]/.test(shownPath) || text !== shown(`${shownPath}\0${token}\0`)) return []
    return [[pathOf(watch), rank]]
  })
