import { XenStoreOp } from '@split-driver/xenbus'
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
