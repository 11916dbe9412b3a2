import { XenStoreOp } from '@split-driver/xenbus'
import { ofPath } from '../differential/clients.js'
import type { Difference } from '../differential/difference.js'
import { errorOf } from '../differential/observation.js'
import { asks, changes, partsOf, replied } from './predicates.js'
import { isMoreByEither, isOwnAbove, isOwnOf } from './rights.js'

/** What GET_PERMS answered, but for the first domid. */
const withoutOwner = (reply: string): string | undefined => /^(GET_PERMS ".)\d+(.*)$/s.exec(reply)?.slice(1).join('…')

/** Whether some strings of `whole`, the first among them, are just those of `part`. */
const isPartOf = (part: Uint8Array, whole: Uint8Array): boolean => {
  const [some, all] = [part, whole].map((body) => Buffer.from(body).toString('latin1').split('\0'))
  let at = 0
  for (const text of all!) if (text === some![at]) at++
  return at === some!.length && some![0] === all![0]
}

/** Owners, and what entries give. */
export const permissionDifferences: readonly Difference[] = [
  {
    id: 'owner-of-a-new-node',
    what: 'GET_PERMS of a node that a guest made',
    answers: { 'C xenstored': 'owned by the guest', oxenstored: 'owned as its parent', ours: 'owned by the guest' },
    why: 'Rule 42: who makes a node owns it, and is charged for it.',
    aspect: 'reply',
    matches: ({ peer, ours, theirs }) =>
      peer === 'oxenstored' &&
      withoutOwner(ours.reply) !== undefined &&
      withoutOwner(ours.reply) === withoutOwner(theirs.reply),
  },
  {
    id: 'permissions-of-nobody',
    what: 'GET_PERMS of a node with entries for domains that do not exist, or no more',
    answers: {
      'C xenstored': 'shows them, though they mean nothing',
      oxenstored: 'shows them until such a domain dies',
      ours: 'leaves them out',
    },
    why: 'Rule 53: what is shown must not be taken for what holds.',
    aspect: 'reply',
    matches: (comparison) =>
      asks(comparison, XenStoreOp.GetPerms) &&
      replied(comparison, { ours: 'no error', theirs: 'no error' }) &&
      isPartOf(comparison.ours.body, comparison.theirs.body),
  },
  {
    id: 'denied-on-a-new-node',
    what: 'a guest’s operation on, or below, a node that it made',
    answers: {
      'C xenstored': 'as of its own',
      oxenstored: 'EACCES where its parent’s permissions give it nothing',
      ours: 'as of its own',
    },
    why: 'Rule 42.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      comparison.unprivileged &&
      asks(comparison, ...ofPath) &&
      (comparison.past !== undefined || isOwnOf(comparison.operation.client, comparison)) &&
      replied(comparison, { ours: ['no error', 'ENOENT'], theirs: 'EACCES' }),
  },
  {
    id: 'allowed-on-a-new-node',
    what: 'a guest’s operation on, or below, a node that another made below one of its own',
    answers: {
      'C xenstored': 'EACCES, if the other has not said otherwise',
      oxenstored: 'as of its own',
      ours: 'EACCES, if the other has not said otherwise',
    },
    why: 'Rule 42.',
    aspect: 'reply',
    parts: changes,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      comparison.unprivileged &&
      asks(comparison, ...ofPath) &&
      isOwnAbove(comparison.operation.client, comparison) &&
      replied(comparison, { ours: 'EACCES', theirs: ['no error', 'ENOENT'] }),
  },
  {
    id: 'permission-count',
    what: 'SET_PERMS by a guest of more than 5 entries',
    answers: { 'C xenstored': 'ENOSPC', oxenstored: 'takes any number', ours: 'ENOSPC' },
    why: 'Rule 52.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.SetPerms) &&
      partsOf(comparison).length > 6 &&
      replied(comparison, { ours: 'ENOSPC', theirs: ['no error', 'ENOENT', 'EINVAL', 'EACCES'] }),
  },
  {
    id: 'owner-that-is-not',
    what: 'SET_PERMS whose first entry names a domain that does not exist',
    answers: { 'C xenstored': 'ENOENT', oxenstored: 'OK', ours: 'ENOENT' },
    why: 'What nobody owns is nobody’s quota; a domain that comes later must not inherit it.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.SetPerms) &&
      partsOf(comparison)[1]?.slice(1) === '7' &&
      replied(comparison, { ours: 'ENOENT', theirs: ['no error', 'EACCES', 'EINVAL'] }),
  },
  {
    id: 'change-of-owner',
    what: 'SET_PERMS by a guest that names another owner',
    answers: { 'C xenstored': 'EPERM', oxenstored: 'EACCES', ours: 'EPERM' },
    why: 'Rule 42.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.SetPerms) &&
      replied(comparison, { ours: 'EPERM', theirs: 'EACCES' }),
  },
  {
    id: 'permission-text',
    what: 'SET_PERMS with an entry that is no letter and decimal domid',
    answers: {
      'C xenstored':
        'takes what strtoul makes of the number; of a domain that does not exist the entry is passed over, and the first one is ENOENT',
      oxenstored: 'takes what OCaml reads as a number',
      ours: 'EINVAL',
    },
    why: 'An entry that says nothing clear must not grant anything.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      asks(comparison, XenStoreOp.SetPerms) &&
      partsOf(comparison)
        .slice(1)
        .some((text) => !/^[nrwb]\d{1,5}$/.test(text) || Number(text.slice(1)) >= 0x7ff0) &&
      replied(comparison, {
        ours: ['EINVAL', 'ENOENT', 'EACCES'],
        theirs: ['no error', 'ENOENT', 'EACCES', 'EINVAL', 'EPERM'],
      }),
  },
  {
    id: 'entries-of-a-target',
    what: 'a guest that acts for another domain asks for a node whose entries give the two different rights',
    answers: {
      'C xenstored': 'the first entry that names either of them counts',
      oxenstored: 'the guest may do what the entry of either gives, or the first one where it has none',
      ours: 'the first entry that names either of them counts',
    },
    why: 'Rule 42: the first entry that fits decides.',
    aspect: 'reply',
    parts: changes,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, ...ofPath) &&
      errorOf(comparison.ours) === 'EACCES' &&
      isMoreByEither(comparison.operation.client, comparison),
  },
]
