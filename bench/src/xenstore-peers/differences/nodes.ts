import { XenStoreOp } from '@split-driver/xenbus'
import { ofPath } from '../differential/clients.js'
import type { Comparison, Difference } from '../differential/difference.js'
import { errorOf, type Observation } from '../differential/observation.js'
import { asks, changes, isThere, partsOf, replied } from './predicates.js'
import { rights } from './rights.js'

const isSpecial = (comparison: Comparison): boolean => partsOf(comparison)[0]?.startsWith('@') === true

/** The names that DIRECTORY answered, whatever their order. */
const namesOf = ({ body }: Observation, without?: RegExp): string => {
  const names = Buffer.from(body).toString('latin1').split('\0')
  return names
    .filter((name) => without?.test(name) !== true)
    .sort()
    .join('/')
}

/** Nodes and their paths. */
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
    id: 'node-quota',
    what: 'WRITE or MKDIR by a guest that owns as many nodes as it may',
    answers: {
      'C xenstored': 'ENOSPC',
      oxenstored: 'EQUOTA, which is no error of the wire, if it is the owner of the node above that has so many',
      ours: 'ENOSPC',
    },
    why: 'Rules 39 and 52.',
    aspect: 'reply',
    parts: ({ ours }) => errorOf(ours) === undefined,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Write, XenStoreOp.Mkdir) &&
      comparison.unprivileged &&
      isThere(comparison) !== true &&
      replied(comparison, { ours: ['ENOSPC', 'no error', 'EACCES'], theirs: 'EQUOTA' }),
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
