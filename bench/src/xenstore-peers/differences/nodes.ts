import { XenStoreOp } from '@split-driver/xenbus'
import { ofPath } from '../differential/clients.js'
import type { Comparison, Difference } from '../differential/difference.js'
import { errorOf, type Observation } from '../differential/observation.js'
import { asks, isThere, partsOf, replied } from './predicates.js'
import { isOwnOf, rights, rightsOfEither } from './rights.js'

const changes = (comparison: Comparison): boolean =>
  asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir, XenStoreOp.Rm, XenStoreOp.SetPerms)

const isSpecial = (comparison: Comparison): boolean => partsOf(comparison)[0]?.startsWith('@') === true

/** What GET_PERMS answered, but for the first domid. */
const withoutOwner = (reply: string): string | undefined => /^(GET_PERMS ".)\d+(.*)$/s.exec(reply)?.slice(1).join('…')

/** The names that DIRECTORY answered, whatever their order. */
const namesOf = ({ body }: Observation, without?: RegExp): string => {
  const names = Buffer.from(body).toString('latin1').split('\0')
  return names
    .filter((name) => without?.test(name) !== true)
    .sort()
    .join('/')
}

/** Whether some strings of `whole`, the first among them, are just those of `part`. */
const isPartOf = (part: Uint8Array, whole: Uint8Array): boolean => {
  const [some, all] = [part, whole].map((body) => Buffer.from(body).toString('latin1').split('\0'))
  let at = 0
  for (const text of all!) if (text === some![at]) at++
  return at === some!.length && some![0] === all![0]
}

/** Nodes, their paths and permissions. */
export const nodeDifferences: readonly Difference[] = [
  {
    id: 'node-size',
    what: 'WRITE of a large value, and what makes a node’s list of children long',
    answers: {
      'C xenstored':
        'ENOSPC to a guest whose node, with header, permissions and children, would have 2048 bytes or more',
      oxenstored: 'E2BIG to everybody whose value has more than 2048 bytes',
      ours: 'ENOSPC, as C xenstored',
    },
    why: "Rule 52: the quota is the node's, and the control domain has none.",
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir) &&
      ((comparison.operation.body.length > 2048 &&
        replied(comparison, { ours: ['no error', 'EACCES'], theirs: 'E2BIG' })) ||
        (comparison.unprivileged && replied(comparison, { ours: 'ENOSPC', theirs: ['E2BIG', 'no error'] }))),
  },
  {
    id: 'special-path-as-node',
    what: 'an operation on nodes whose path begins with @',
    answers: {
      'C xenstored': 'EINVAL, but for SET_PERMS of the two special paths',
      oxenstored: 'keeps nodes of such names beside the root, the special paths among them',
      ours: 'EINVAL, but for GET_PERMS and SET_PERMS of special paths',
    },
    why: 'Special paths name events; only their permissions are anybody’s business (rule 51).',
    aspect: 'reply',
    parts: changes,
    matches: (comparison) =>
      isSpecial(comparison) &&
      (comparison.peer === 'oxenstored'
        ? asks(comparison, XenStoreOp.GetPerms, XenStoreOp.SetPerms) ||
          (asks(comparison, ...ofPath) && errorOf(comparison.ours) === 'EINVAL')
        : asks(comparison, XenStoreOp.GetPerms) && errorOf(comparison.theirs) === 'EINVAL'),
  },
  {
    id: 'path-length',
    what: 'a path of more than 1024 bytes',
    answers: {
      'C xenstored': 'EINVAL beyond 2048 bytes below the domain’s home, or from the root, to everybody',
      oxenstored: 'EINVAL beyond 1024 bytes',
      ours: 'EINVAL beyond 2048 bytes for a relative path or a guest, beyond 3072 for an absolute one of the control domain',
    },
    why: 'Rule 40 has these bounds; the others are quotas, which the control domain has none of.',
    aspect: 'reply',
    parts: (comparison) => changes(comparison) || asks(comparison, XenStoreOp.Watch),
    matches: (comparison) =>
      asks(comparison, ...ofPath, XenStoreOp.Watch) &&
      (partsOf(comparison)[0]?.length ?? 0) > (comparison.peer === 'oxenstored' ? 1000 : 2048) &&
      errorOf(comparison.theirs) === 'EINVAL',
  },
  {
    id: 'rm-of-a-missing-node',
    what: 'RM of a node that is missing, and whose parent is missing or hidden',
    answers: { 'C xenstored': 'ENOENT, or EACCES to whom it is hidden', oxenstored: 'OK', ours: 'ENOENT, or EACCES' },
    why: 'Rules 41 and 43.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Rm) &&
      isThere(comparison) !== true &&
      replied(comparison, { ours: ['ENOENT', 'EACCES'], theirs: 'no error' }),
  },
  {
    id: 'rm-of-the-root',
    what: 'RM /',
    answers: { 'C xenstored': 'EINVAL', oxenstored: 'OK, and all below is gone', ours: 'EINVAL' },
    why: 'Rule 41.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      asks(comparison, XenStoreOp.Rm) &&
      partsOf(comparison)[0] === '/' &&
      replied(comparison, { ours: 'EINVAL', theirs: 'no error' }),
  },
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
    id: 'mkdir-of-what-is-there',
    what: 'a guest’s MKDIR of a node that is there and that it may not write',
    answers: { 'C xenstored': 'EACCES', oxenstored: 'OK', ours: 'EACCES' },
    why: 'Rule 43.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      comparison.unprivileged &&
      asks(comparison, XenStoreOp.Mkdir) &&
      isThere(comparison) !== false &&
      (comparison.past !== undefined || !rights(comparison).includes('w')) &&
      replied(comparison, { ours: 'EACCES', theirs: 'no error' }),
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
    id: 'long-listing-at-the-socket',
    what: 'DIRECTORY at the socket of a node with more than 4096 bytes of names',
    answers: {
      'C xenstored': 'E2BIG',
      oxenstored: 'all of it, in a body longer than the protocol allows',
      ours: 'E2BIG',
    },
    why: 'Rule 50.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Directory) &&
      comparison.theirs.body.length > 4096 &&
      replied(comparison, { ours: 'E2BIG', theirs: 'no error' }),
  },
  {
    id: 'children-of-the-root',
    what: 'DIRECTORY /',
    answers: {
      'C xenstored': 'begins with tool',
      oxenstored: 'has /local, and nodes for the special paths',
      ours: 'begins with tool',
    },
    why: 'Toolstacks make /local themselves; special paths are no nodes.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Directory) &&
      partsOf(comparison)[0] === '/' &&
      namesOf(comparison.ours) === namesOf(comparison.theirs, /^@/),
  },
  {
    id: 'listing-order',
    what: 'DIRECTORY',
    answers: {
      'C xenstored': 'names in the order in which they came',
      oxenstored: 'names in the order of the alphabet',
      ours: 'names in the order in which they came',
    },
    why: 'The protocol leaves it open.',
    aspect: 'reply',
    matches: ({ peer, operation, ours, theirs }) =>
      peer === 'oxenstored' && operation.type === XenStoreOp.Directory && namesOf(ours) === namesOf(theirs),
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
      [...rightsOfEither(comparison)].some((right) => !rights(comparison).includes(right)),
  },
  {
    id: 'hidden-nodes',
    what: 'a guest asks for a missing node below one that it may not read',
    answers: { 'C xenstored': 'EACCES', oxenstored: 'ENOENT', ours: 'EACCES' },
    why: 'Rule 43: an error must not tell whether a hidden node is there.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      comparison.unprivileged &&
      asks(comparison, ...ofPath) &&
      isThere(comparison) !== true &&
      (comparison.past !== undefined || rights(comparison) !== 'rw') &&
      replied(comparison, { ours: 'EACCES', theirs: 'ENOENT' }),
  },
]
