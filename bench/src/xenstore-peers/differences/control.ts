import { XenStoreOp } from '@split-driver/xenbus'
import { stringsOf } from '../differential/clients.js'
import type { Difference } from '../differential/difference.js'
import { asks, partsOf, replied } from './predicates.js'

/** Commands to the daemon itself. */
export const controlDifferences: readonly Difference[] = [
  {
    id: 'control-of-anything',
    what: 'CONTROL by a guest, or with what is no command',
    answers: { 'C xenstored': 'EACCES, EINVAL', oxenstored: 'OK, and does nothing', ours: 'EACCES, EINVAL' },
    why: 'Who is told OK believes that something was done.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Control) &&
      comparison.theirs.reply === 'CONTROL "OK\\u0000"' &&
      replied(comparison, { ours: ['EACCES', 'EINVAL'], theirs: 'no error' }),
  },
  {
    id: 'control-settings',
    what: 'CONTROL log or quota, and nothing that a NUL ends behind it',
    answers: {
      'C xenstored': 'quota: its settings, in its own words; log: EINVAL, as 4.17 has it (4.18 shows the switches)',
      oxenstored: 'OK, and does nothing',
      ours: 'the settings',
    },
    why: 'What 4.18 added is there; words are for people.',
    aspect: 'reply',
    matches: (comparison) => {
      const { body } = comparison.operation
      const [command = '', ...others] = stringsOf(body.subarray(0, body.lastIndexOf(0) + 1))
      return (
        asks(comparison, XenStoreOp.Control) &&
        ['log', 'quota'].includes(command) &&
        others.length === 0 &&
        /^CONTROL "(Log switch|Quota) settings:/.test(comparison.ours.reply)
      )
    },
  },
  {
    id: 'control-quota-domid',
    what: 'CONTROL quota of what is no domid',
    answers: { 'C xenstored': 'takes what atoi makes of it', oxenstored: 'OK, and does nothing', ours: 'EINVAL' },
    why: 'As of every other request that names a domain.',
    aspect: 'reply',
    matches: (comparison) => {
      const [command, domid = ''] = partsOf(comparison)
      return (
        asks(comparison, XenStoreOp.Control) &&
        command === 'quota' &&
        !/^\d+$/.test(domid) &&
        replied(comparison, { ours: 'EINVAL', theirs: 'no error' })
      )
    },
  },
]
