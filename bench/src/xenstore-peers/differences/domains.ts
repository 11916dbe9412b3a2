import { XenStoreOp } from '@split-driver/xenbus'
import type { Difference } from '../differential/difference.js'
import { asks, partsOf, replied } from './predicates.js'

/** Domains that come and go. */
export const domainDifferences: readonly Difference[] = [
  {
    id: 'release-of-a-stranger',
    what: 'RELEASE of a domain that was not introduced',
    answers: { 'C xenstored': 'ENOENT', oxenstored: 'EINVAL', ours: 'ENOENT' },
    why: 'The request is in order; what it names is missing.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Release, XenStoreOp.Resume) &&
      replied(comparison, { ours: 'ENOENT', theirs: 'EINVAL' }),
  },
  {
    id: 'introduce-port-0',
    what: 'INTRODUCE with event channel 0',
    answers: { 'C xenstored': 'EINVAL', oxenstored: 'OK', ours: 'EINVAL' },
    why: 'Rule 61: port 0 is never valid.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Introduce) &&
      partsOf(comparison)[2] === '0' &&
      replied(comparison, { ours: 'EINVAL', theirs: 'no error' }),
  },
  {
    id: 'resume-of-domain-0',
    what: 'RESUME 0',
    answers: { 'C xenstored': 'EINVAL', oxenstored: 'OK', ours: 'EINVAL' },
    why: 'The control domain does not sleep.',
    aspect: 'reply',
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Resume) &&
      partsOf(comparison)[0] === '0' &&
      replied(comparison, { ours: 'EINVAL', theirs: 'no error' }),
  },
  {
    id: 'target-that-is-not',
    what: 'SET_TARGET of, or to, a domain that was not introduced',
    answers: { 'C xenstored': 'ENOENT', oxenstored: 'ENOENT for the first, OK for the second', ours: 'ENOENT' },
    why: 'The request is in order; what it names is missing.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.SetTarget) &&
      replied(comparison, { ours: 'ENOENT', theirs: 'no error' }),
  },
  {
    id: 'introduce-domain-0',
    what: 'INTRODUCE 0 with another frame or port than before',
    answers: { 'C xenstored': 'OK: another event channel', oxenstored: 'EINVAL', ours: 'OK: another event channel' },
    why: 'A domain that is served already is served by the new channel, whichever domain it is.',
    aspect: 'reply',
    parts: true,
    matches: (comparison) =>
      comparison.peer === 'oxenstored' &&
      asks(comparison, XenStoreOp.Introduce) &&
      partsOf(comparison)[0] === '0' &&
      replied(comparison, { ours: 'no error', theirs: 'EINVAL' }),
  },
]
