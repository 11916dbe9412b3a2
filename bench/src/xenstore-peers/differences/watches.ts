import { XenStoreOp } from '@split-driver/xenbus'
import type { Difference } from '../differential/difference.js'
import { asks, partsOf, replied } from './predicates.js'
import {
  extras,
  hasAll,
  isBelowOwn,
  isGuest,
  isOfChange,
  isOfNodesInOrder,
  isOfOwner,
  isOuterFirst,
  isToldByEither,
  isWatchedBelow,
} from './told.js'

/** Who is told what, and in what order. */
export const watchDifferences: readonly Difference[] = [
  {
    id: 'reply-before-events',
    what: 'a change that the client watches itself',
    answers: {
      'C xenstored': 'the events, then the reply',
      oxenstored: 'the reply, then the events',
      ours: 'the events, then the reply',
    },
    why: 'A client that has its reply has seen what it caused, as with C xenstored; the protocol promises an order for WATCH alone.',
    aspect: 'order of reply and events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      !asks(comparison, XenStoreOp.Watch) &&
      comparison.theirs.eventsBeforeReply === 0,
  },
  {
    id: 'order-of-watches',
    what: 'a change that several watches of one client are told of',
    answers: {
      'C xenstored': 'in the order in which they were registered',
      oxenstored: 'those of outer paths first, and the youngest first of those of one path',
      ours: 'in the order in which they were registered',
    },
    why: 'The protocol leaves it open.',
    aspect: 'order of events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' && isOuterFirst(comparison) && isOfNodesInOrder(comparison),
  },
  {
    id: 'order-of-removal',
    what: 'removal of nodes, of which a client watches more than one',
    answers: {
      'C xenstored': 'a node after those below it',
      oxenstored: 'a node before those below it',
      ours: 'a node after those below it',
    },
    why: 'The protocol leaves it open.',
    aspect: 'order of events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Rm, XenStoreOp.TransactionEnd) &&
      isOuterFirst(comparison) &&
      !isOfNodesInOrder(comparison),
  },
  {
    id: 'equal-events',
    what: 'changes by one request that amount to the same event for a client more than once',
    answers: {
      'C xenstored': 'one event',
      oxenstored: 'an event for each watch and each change',
      ours: 'one event',
    },
    why: 'Rule 46: the client is to look again, and need not do so twice.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      hasAll(comparison.theirs, comparison.ours) &&
      extras(comparison.theirs, comparison.ours).every(({ client, text }) =>
        comparison.ours.events[client]!.includes(text),
      ),
  },
  {
    id: 'removal-in-a-transaction',
    what: 'TRANSACTION_END that removes a node which a watching guest may not read, though it may read its parent',
    answers: {
      'C xenstored': 'no event, as there would be outside of a transaction',
      oxenstored: 'an event',
      ours: 'an event',
    },
    why: 'Who may read the parent sees by its listing that the node is gone; a transaction changes nothing about that.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'C xenstored' &&
      asks(comparison, XenStoreOp.TransactionEnd) &&
      hasAll(comparison.ours, comparison.theirs) &&
      extras(comparison.ours, comparison.theirs).every((told) => isGuest(told) && isOfChange(told, comparison)),
  },
  {
    id: 'events-of-a-new-node',
    what: 'a change of a node that a guest made, below one that it may not read, and that it watches',
    answers: {
      'C xenstored': 'an event: it owns the node',
      oxenstored: 'no event',
      ours: 'an event: it owns the node',
    },
    why: 'Rule 42: who makes a node owns it.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir, XenStoreOp.Rm, XenStoreOp.TransactionEnd) &&
      hasAll(comparison.ours, comparison.theirs) &&
      extras(comparison.ours, comparison.theirs).every(
        (told) => isGuest(told) && isOfChange(told, comparison) && isOfOwner(told, comparison),
      ),
  },
  {
    id: 'events-below-an-own-node',
    what: 'a change of a node that another made below one that the guest owns, and that the guest watches and may not read',
    answers: { 'C xenstored': 'no event', oxenstored: 'an event: it owns the node, too', ours: 'no event' },
    why: 'Rule 42: who makes a node owns it.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir, XenStoreOp.Rm) &&
      hasAll(comparison.theirs, comparison.ours) &&
      extras(comparison.theirs, comparison.ours).every((told) => isGuest(told) && isBelowOwn(told, comparison)),
  },
  {
    id: 'events-by-entries-of-a-target',
    what: 'a change of a node that a guest watches, which acts for another domain, where entries give the two different rights',
    answers: {
      'C xenstored': 'an event if the first entry that names either of them lets it read',
      oxenstored: 'an event if the entry of either does, or the first one where it has none',
      ours: 'an event if the first entry that names either of them lets it read',
    },
    why: 'Rule 42: the first entry that fits decides.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      hasAll(comparison.theirs, comparison.ours) &&
      extras(comparison.theirs, comparison.ours).every((told) => isGuest(told) && isToldByEither(told, comparison)),
  },
  {
    id: 'watch-quota',
    what: 'WATCH by a guest that has many',
    answers: {
      'C xenstored': '129, then E2BIG',
      oxenstored: 'one more than its quota, 101 unless set, then EQUOTA, which is no error of the wire',
      ours: '128, then E2BIG',
    },
    why: 'Rule 52: 128 is what a domain may have.',
    aspect: 'reply',
    parts: ({ peer }) => peer === 'C xenstored',
    matches: (comparison) =>
      comparison.unprivileged &&
      asks(comparison, XenStoreOp.Watch) &&
      (comparison.peer === 'oxenstored'
        ? replied(comparison, { ours: ['E2BIG', 'EINVAL'], theirs: 'EQUOTA' })
        : replied(comparison, { ours: 'E2BIG', theirs: 'no error' })),
  },
  {
    id: 'changes-of-the-root',
    what: 'WRITE or SET_PERMS of /, which a client watches',
    answers: { 'C xenstored': 'an event', oxenstored: 'no event', ours: 'an event' },
    why: 'The root is a node like any other.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Write, XenStoreOp.SetPerms, XenStoreOp.TransactionEnd) &&
      hasAll(comparison.ours, comparison.theirs) &&
      extras(comparison.ours, comparison.theirs).every(({ path }) => path === '/'),
  },
  {
    id: 'permissions-of-special-paths',
    what: 'SET_PERMS of a special path that a client watches',
    answers: { 'C xenstored': 'no event (of release 4.17)', oxenstored: 'no event', ours: 'an event' },
    why: 'As newer releases of C xenstored: whoever may no longer be told learns of that.',
    aspect: 'events',
    matches: (comparison) =>
      asks(comparison, XenStoreOp.SetPerms) &&
      partsOf(comparison)[0]?.startsWith('@') === true &&
      hasAll(comparison.ours, comparison.theirs),
  },
  {
    id: 'events-of-special-paths-as-nodes',
    what: 'SET_PERMS of a special path while a client watches the root',
    answers: { 'C xenstored': 'no event', oxenstored: 'an event: it is a node below the root', ours: 'no event' },
    why: 'Rule 51: special paths are no nodes.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.SetPerms) &&
      partsOf(comparison)[0]?.startsWith('@') === true &&
      extras(comparison.theirs, comparison.ours).every(({ path }) => path.startsWith('/@')),
  },
  {
    id: 'text-after-the-token',
    what: 'WATCH or UNWATCH with text after the last NUL, or with more strings',
    answers: {
      'C xenstored': 'passes over text after the last NUL',
      oxenstored: 'EINVAL',
      ours: 'passes over text after the last NUL',
    },
    why: 'The protocol reserves what follows.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Watch, XenStoreOp.Unwatch) &&
      comparison.operation.body.at(-1) !== 0 &&
      replied(comparison, { ours: ['no error', 'ENOENT', 'EEXIST'], theirs: 'EINVAL' }),
  },
  {
    id: 'watch-of-a-long-path',
    what: 'WATCH of a path beyond its bound',
    answers: { 'C xenstored': 'EINVAL', oxenstored: 'OK', ours: 'EINVAL' },
    why: 'Rule 40: no such node can ever be.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Watch) &&
      (partsOf(comparison)[0]?.length ?? 0) > 2000 &&
      replied(comparison, { ours: 'EINVAL', theirs: 'no error' }),
  },
  {
    id: 'removal-below-which-nothing-was',
    what: 'removal of a node, with a watch on a path below it where no node was',
    answers: { 'C xenstored': 'no event', oxenstored: 'an event', ours: 'no event' },
    why: 'Rule 46: only what was removed is told of.',
    aspect: 'events',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Rm, XenStoreOp.TransactionEnd) &&
      hasAll(comparison.theirs, comparison.ours) &&
      extras(comparison.theirs, comparison.ours).every((told) => isWatchedBelow(told, comparison)),
  },
  {
    id: 'unwatch-of-an-empty-path',
    what: 'UNWATCH with an empty path',
    answers: { 'C xenstored': 'ENOENT', oxenstored: 'EINVAL', ours: 'ENOENT' },
    why: 'Rule 44, and as every other path that nothing watches.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Unwatch) &&
      partsOf(comparison)[0] === '' &&
      replied(comparison, { ours: 'ENOENT', theirs: 'EINVAL' }),
  },
]
