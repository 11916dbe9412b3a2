import { XenStoreOp } from '@split-driver/xenbus'
import type { Difference } from '../differential/difference.js'
import { asks, isContested, isInTransaction, isMoved, replied } from './predicates.js'

/** Transactions that began before others changed the tree. Those that did not are answered alike by all three. */
export const transactionDifferences: readonly Difference[] = [
  {
    id: 'transaction-conflict',
    what: 'TRANSACTION_END of a transaction since whose begin others have changed the tree',
    answers: {
      'C xenstored':
        'EAGAIN if a node that it read, parents that it had to look at included, was written since it looked',
      oxenstored:
        'does all again on the present tree: EAGAIN if an answer differs from the first time, EINVAL if a request was not about nodes',
      ours: 'EAGAIN if a node that it read, or listed, differs from when it began',
    },
    why: 'Rule 48 leaves open what else conflicts; ours lets disjoint transactions both commit.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      isContested(comparison) &&
      asks(comparison, XenStoreOp.TransactionEnd) &&
      (replied(comparison, { ours: 'EAGAIN', theirs: 'no error' }) ||
        replied(comparison, { ours: 'no error', theirs: 'EAGAIN' }) ||
        (comparison.peer === 'oxenstored' && replied(comparison, { ours: ['EAGAIN', 'no error'], theirs: 'EINVAL' }))),
  },
  {
    id: 'transaction-quota',
    what: 'TRANSACTION_START by a guest that has many open',
    answers: { 'C xenstored': '11, then ENOSPC', oxenstored: '11, then EQUOTA', ours: '10, then ENOSPC' },
    why: 'Rule 52: 10 are what a domain may have.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.unprivileged &&
      asks(comparison, XenStoreOp.TransactionStart) &&
      replied(comparison, { ours: 'ENOSPC', theirs: 'no error' }),
  },
  {
    id: 'node-quota-in-transaction',
    what: 'WRITE or MKDIR in a transaction that has made so many nodes that the guest could own no more',
    answers: {
      'C xenstored': 'OK: what a transaction made is counted at its end',
      oxenstored: 'EQUOTA, which is no error of the wire',
      ours: 'ENOSPC',
    },
    why: 'Rule 52. Who is told at once can still make something of it.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'C xenstored' &&
      comparison.unprivileged &&
      isInTransaction(comparison) &&
      asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir) &&
      replied(comparison, { ours: 'ENOSPC', theirs: 'no error' }),
  },
  {
    id: 'node-quota-at-the-end',
    what: 'TRANSACTION_END of a transaction after which a guest owns as many nodes as it may',
    answers: {
      'C xenstored': 'ENOSPC, though outside of transactions it may own so many',
      oxenstored: 'OK',
      ours: 'OK',
    },
    why: 'Rule 52: the quota is what a domain may have, however it came to it.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'C xenstored' &&
      comparison.unprivileged &&
      asks(comparison, XenStoreOp.TransactionEnd) &&
      replied(comparison, { ours: 'no error', theirs: 'ENOSPC' }),
  },
  {
    id: 'refusal-ends-transaction',
    what: 'TRANSACTION_END of a transaction in which a quota refused something',
    answers: {
      'C xenstored': 'ENOMEM',
      oxenstored: 'OK: what was refused was not done',
      ours: 'OK: what was refused was not done',
    },
    why: 'The client has been told; what it makes of that is its own affair.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'C xenstored' &&
      comparison.unprivileged &&
      asks(comparison, XenStoreOp.TransactionEnd) &&
      replied(comparison, { ours: ['no error', 'EAGAIN'], theirs: 'ENOMEM' }),
  },
  {
    id: 'transaction-snapshot',
    what: 'a node that others have changed since the transaction began, asked for the first time in it',
    answers: {
      'C xenstored': 'as it is now; a node that was looked at before, as it was then',
      oxenstored: 'as it was when the transaction began',
      ours: 'as it was when the transaction began',
    },
    why: 'A transaction sees one state of the tree, never a mixture of two.',
    aspect: 'reply',
    parts: (comparison) => asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir, XenStoreOp.Rm, XenStoreOp.SetPerms),
    matches: (comparison) => comparison.peer === 'C xenstored' && isMoved(comparison),
  },
]
