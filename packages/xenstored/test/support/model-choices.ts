import { CHOICES, chooseOperation, clientsOf } from '@split-driver/conformance'
import fc from 'fast-check'

export const DOMAINS = 4

/** Few enough of each that random operations come to them. */
export const quotas = { nodes: 6, watches: 4, transactions: 2, 'node-permissions': 2 }

/** An operation is what it chooses: shrinking a choice makes it simpler. */
export const operation = fc.array(fc.nat(), { minLength: CHOICES, maxLength: CHOICES }).map((choices) => {
  const next = choices.values()
  return chooseOperation(clientsOf(DOMAINS), DOMAINS, (limit) => (next.next().value ?? 0) % limit)
})
