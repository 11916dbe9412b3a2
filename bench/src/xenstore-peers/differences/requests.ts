import { PAYLOAD_MAX_BYTES, XenStoreOp } from '@split-driver/xenbus'
import type { Difference, Omission } from '../differential/difference.js'
import { errorOf } from '../differential/observation.js'
import { asks, isInTransaction, isOneString, partsOf, replied } from './predicates.js'

const ofOnePath = [XenStoreOp.Read, XenStoreOp.Directory, XenStoreOp.Mkdir, XenStoreOp.Rm, XenStoreOp.GetPerms]
const ofNewerServers = [XenStoreOp.GetFeature, XenStoreOp.SetFeature, XenStoreOp.GetQuota, XenStoreOp.SetQuota]

const ofDomid = [
  XenStoreOp.GetDomainPath,
  XenStoreOp.IsDomainIntroduced,
  XenStoreOp.Introduce,
  XenStoreOp.Release,
  XenStoreOp.Resume,
  XenStoreOp.SetTarget,
]

/** What an original is not asked. */
export const omissions: readonly Omission[] = [
  {
    id: 'oversized-body',
    what: 'a header that announces a body of more than 4096 bytes',
    answers: {
      'C xenstored': 'ends the connection',
      oxenstored: 'takes the first 4096 bytes for the body and the rest for the next header',
      ours: 'ends the connection',
    },
    why: 'Where the next request begins is unknown, so every answer after it would be to a request that nobody made.',
    aspect: 'request',
    parts: true,
    matches: ({ peer, operation }) => peer === 'oxenstored' && operation.body.length > PAYLOAD_MAX_BYTES,
  },
  {
    id: 'no-argument',
    what: 'READ, DIRECTORY, MKDIR, RM or GET_PERMS of a body that is not one string with its NUL',
    answers: {
      'C xenstored': 'whatever error an earlier request left in errno; where that is none, it does not answer and ends',
      oxenstored: 'EINVAL',
      ours: 'EINVAL',
    },
    why: 'A malformed request is EINVAL, and must not depend on what others asked before.',
    aspect: 'request',
    matches: (question) => question.peer === 'C xenstored' && asks(question, ...ofOnePath) && !isOneString(question),
  },
  {
    id: 'permissions-of-a-special-path-refused',
    what: 'SET_PERMS of a special path that there is not, or by a guest that may not',
    answers: {
      'C xenstored': 'whatever error an earlier request left in errno; where that is none, it ends by SIGABRT',
      oxenstored: 'as for a node of that name',
      ours: 'ENOENT or EACCES',
    },
    why: 'As for nodes, and independent of what others asked before.',
    aspect: 'request',
    matches: (question) =>
      question.peer === 'C xenstored' &&
      asks(question, XenStoreOp.SetPerms) &&
      partsOf(question)[0]?.startsWith('@') === true &&
      (question.unprivileged || !['@introduceDomain', '@releaseDomain'].includes(partsOf(question)[0] ?? '')),
  },
  {
    id: 'release-of-domain-0',
    what: 'RELEASE 0',
    answers: {
      'C xenstored': 'EINVAL',
      oxenstored: 'OK; domain 0 is forgotten for ever, with all nodes that it owned',
      ours: 'EINVAL',
    },
    why: 'The control domain does not die.',
    aspect: 'request',
    matches: (question) => {
      const [domid = ''] = partsOf(question)
      return question.peer === 'oxenstored' && asks(question, XenStoreOp.Release) && Number(domid) === 0
    },
  },
  {
    id: 'target-of-domain-0',
    what: 'SET_TARGET of a domain to domain 0',
    answers: {
      'C xenstored': 'OK: the domain may do with nodes what their owner, domain 0, may',
      oxenstored: 'OK: the domain may do everything that domain 0 may',
      ours: 'OK, as C xenstored',
    },
    why: 'A domain that serves another one needs its nodes, not its privileges.',
    aspect: 'request',
    parts: true,
    matches: (question) => {
      const [, target = ''] = partsOf(question)
      return question.peer === 'oxenstored' && asks(question, XenStoreOp.SetTarget) && !/[1-9]/.test(target)
    },
  },
  {
    id: 'target-that-goes-first',
    what: 'RELEASE of the target of SET_TARGET before the domain that has it, or of a domain that is its own target',
    answers: { 'C xenstored': 'OK; it ends by SIGSEGV now or later', oxenstored: 'OK', ours: 'OK' },
    why: 'The domain that had it has no target any more.',
    aspect: 'request',
    parts: true,
    matches: (question) => {
      const [domid = 0, target = 0] = partsOf(question).map((text) => Number.parseInt(text, 10) >>> 0)
      // Episodes release the domain of the highest number first, and never domain 0.
      return question.peer === 'C xenstored' && asks(question, XenStoreOp.SetTarget) && domid <= target
    },
  },
  {
    id: 'root-of-a-guest',
    what: 'SET_PERMS that gives the root to another domain',
    answers: {
      'C xenstored':
        'OK; when that domain dies, the root goes with what it owned, and everything is EACCES for everybody',
      oxenstored: 'OK',
      ours: 'OK',
    },
    why: 'The tree outlives every domain.',
    aspect: 'request',
    parts: true,
    matches: (question) => {
      const [path, owner = ''] = partsOf(question)
      return (
        question.peer === 'C xenstored' && asks(question, XenStoreOp.SetPerms) && path === '/' && !owner.endsWith('0')
      )
    },
  },
]

const isDomid = (text: string | undefined): boolean =>
  text !== undefined && /^\d{1,5}$/.test(text) && Number(text) < 0x7ff0

/** How a request is read. */
export const requestDifferences: readonly Difference[] = [
  {
    id: 'newer-operations',
    what: 'GET_FEATURE, SET_FEATURE, GET_QUOTA, SET_QUOTA',
    answers: { 'C xenstored': 'ENOSYS (of release 4.17)', oxenstored: 'ENOSYS', ours: 'answers' },
    why: 'The protocol has them since; a client that asks must expect ENOSYS and one that gets an answer can use it.',
    aspect: 'reply',
    matches: (comparison) =>
      asks(comparison, ...ofNewerServers) &&
      replied(comparison, { ours: ['EINVAL', 'EACCES', 'ENOENT', 'no error'], theirs: 'ENOSYS' }),
  },
  {
    id: 'directory-part',
    what: 'DIRECTORY_PART',
    answers: { 'C xenstored': 'answers', oxenstored: 'ENOSYS', ours: 'answers' },
    why: 'Rule 50: there is no other way to a listing of more than 4096 bytes.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.DirectoryPart) &&
      replied(comparison, { ours: ['EINVAL', 'ENOENT', 'EACCES', 'no error'], theirs: 'ENOSYS' }),
  },
  {
    id: 'unknown-transaction',
    what: 'a request that names a transaction that is not open',
    answers: { 'C xenstored': 'ENOENT', oxenstored: 'EIO', ours: 'ENOENT' },
    why: 'Rule 49.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      isInTransaction(comparison) &&
      replied(comparison, { ours: ['ENOENT', 'EACCES'], theirs: 'EIO' }),
  },
  {
    id: 'watch-transaction-id',
    what: 'WATCH and UNWATCH that name a transaction, which has no meaning for them',
    answers: {
      'C xenstored': "repeats the request's",
      oxenstored: 'replies with transaction 0',
      ours: "repeats the request's",
    },
    why: 'The header of a reply is that of its request.',
    aspect: 'reply',
    matches: ({ ours, theirs }) => theirs.reply === `${ours.reply} of transaction 0`,
  },
  {
    id: 'domid-text',
    what: 'a domid that is not the decimal number of a domain',
    answers: {
      'C xenstored':
        'takes what atoi makes of it: leading blanks and trailing text are passed over, what is no number is 0',
      oxenstored: 'takes the first digits that it finds, or what OCaml reads as a number, hexadecimal too',
      ours: 'EINVAL',
    },
    why: 'A request for a domain that the client did not name is worse than none.',
    aspect: 'reply',
    parts: (comparison) =>
      errorOf(comparison.theirs) === undefined &&
      asks(comparison, XenStoreOp.Introduce, XenStoreOp.Release, XenStoreOp.SetTarget),
    matches: (comparison) =>
      asks(comparison, ...ofDomid) &&
      replied(comparison, { ours: 'EINVAL', theirs: ['no error', 'ENOENT', 'EBUSY'] }) &&
      partsOf(comparison)
        .slice(0, asks(comparison, XenStoreOp.SetTarget) ? 2 : 1)
        .some((text) => !isDomid(text)),
  },
  {
    id: 'text-after-the-argument',
    what: 'a request with more strings than it has arguments, or with text after the last NUL',
    answers: {
      'C xenstored': 'EINVAL where it takes one string',
      oxenstored: 'passes over it',
      ours: 'EINVAL where it takes one string',
    },
    why: 'As the original that most hosts run.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, ...ofDomid, XenStoreOp.TransactionEnd) &&
      !isOneString(comparison) &&
      (replied(comparison, { ours: 'EINVAL', theirs: ['no error', 'EAGAIN'] }) ||
        replied(comparison, { ours: ['ENOENT', 'no error'], theirs: 'EINVAL' })),
  },
]
