import { XenStoreOp } from '@split-driver/xenbus'
import { control } from '../control/control-request.js'
import { getDomainPath, introduce, isDomainIntroduced, release, resume, setTarget } from './domain-requests.js'
import type { Handler } from './exchange.js'
import { getFeature, setFeature } from './feature-requests.js'
import { directory, directoryPart, getPerms, mkdir, read, rm, setPerms, write } from './node-requests.js'
import { getQuota, setQuota } from './quota-requests.js'
import { transactionEnd, transactionStart } from './transaction-requests.js'
import { resetWatches, unwatch, watch } from './watch-requests.js'

/** What is not here is answered with ENOSYS. */
export const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [XenStoreOp.Control, control],
  [XenStoreOp.Directory, directory],
  [XenStoreOp.Read, read],
  [XenStoreOp.GetPerms, getPerms],
  [XenStoreOp.Watch, watch],
  [XenStoreOp.Unwatch, unwatch],
  [XenStoreOp.TransactionStart, transactionStart],
  [XenStoreOp.TransactionEnd, transactionEnd],
  [XenStoreOp.Introduce, introduce],
  [XenStoreOp.Release, release],
  [XenStoreOp.GetDomainPath, getDomainPath],
  [XenStoreOp.Write, write],
  [XenStoreOp.Mkdir, mkdir],
  [XenStoreOp.Rm, rm],
  [XenStoreOp.SetPerms, setPerms],
  [XenStoreOp.IsDomainIntroduced, isDomainIntroduced],
  [XenStoreOp.Resume, resume],
  [XenStoreOp.SetTarget, setTarget],
  [XenStoreOp.ResetWatches, resetWatches],
  [XenStoreOp.DirectoryPart, directoryPart],
  [XenStoreOp.GetFeature, getFeature],
  [XenStoreOp.SetFeature, setFeature],
  [XenStoreOp.GetQuota, getQuota],
  [XenStoreOp.SetQuota, setQuota],
])

/** What only the privileged may ask; others get EACCES, whether we can do it or not (rule 51). */
export const PRIVILEGED: ReadonlySet<number> = new Set<number>([
  XenStoreOp.Control,
  XenStoreOp.Introduce,
  XenStoreOp.Release,
  XenStoreOp.IsDomainIntroduced,
  XenStoreOp.Resume,
  XenStoreOp.SetTarget,
  XenStoreOp.SetFeature,
  XenStoreOp.GetQuota,
  XenStoreOp.SetQuota,
])

/** What has nothing to do with nodes: a transaction that is named is not even looked for (rule 47). */
export const OUTSIDE_TRANSACTIONS: ReadonlySet<number> = new Set<number>([XenStoreOp.Watch, XenStoreOp.Unwatch])

/** What changes, outside of transactions, something that outlives the server if it keeps a journal. */
export const CHANGING: ReadonlySet<number> = new Set<number>([
  XenStoreOp.Write,
  XenStoreOp.Mkdir,
  XenStoreOp.Rm,
  XenStoreOp.SetPerms,
  XenStoreOp.Introduce,
  XenStoreOp.Release,
  XenStoreOp.Resume,
  XenStoreOp.SetTarget,
  XenStoreOp.SetFeature,
  XenStoreOp.SetQuota,
])
