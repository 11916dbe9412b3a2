import { packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import type { StoreOperation, StoreOperationKind } from './store-operation.js'
import { XENSTORE_PORT } from './store-under-test.js'

const CODES: Readonly<Record<StoreOperationKind, number>> = {
  read: XenStoreOp.Read,
  directory: XenStoreOp.Directory,
  directoryPart: XenStoreOp.DirectoryPart,
  getPerms: XenStoreOp.GetPerms,
  setPerms: XenStoreOp.SetPerms,
  write: XenStoreOp.Write,
  mkdir: XenStoreOp.Mkdir,
  rm: XenStoreOp.Rm,
  watch: XenStoreOp.Watch,
  unwatch: XenStoreOp.Unwatch,
  start: XenStoreOp.TransactionStart,
  end: XenStoreOp.TransactionEnd,
  resetWatches: XenStoreOp.ResetWatches,
  introduce: XenStoreOp.Introduce,
  release: XenStoreOp.Release,
  isIntroduced: XenStoreOp.IsDomainIntroduced,
  domainPath: XenStoreOp.GetDomainPath,
  resume: XenStoreOp.Resume,
  setTarget: XenStoreOp.SetTarget,
  getFeature: XenStoreOp.GetFeature,
  setFeature: XenStoreOp.SetFeature,
  getQuota: XenStoreOp.GetQuota,
  setQuota: XenStoreOp.SetQuota,
}

export const codeOf = (kind: StoreOperationKind): number => CODES[kind]

const nodeBodyOf = ({ kind, path, value, permissions, token, depth, offset }: StoreOperation): Uint8Array => {
  switch (kind) {
    case 'write':
      return packStringAndRest(path, value)
    case 'setPerms':
      return packStrings(path, ...permissions)
    case 'watch':
      return depth === undefined ? packStrings(path, token) : packStrings(path, token, String(depth))
    case 'unwatch':
      return packStrings(path, token)
    case 'directoryPart':
      return packStrings(path, String(offset))
    default:
      return packStrings(path)
  }
}

/** What a request says. */
export const bodyOf = (operation: StoreOperation): Uint8Array => {
  const { kind, commit, number, quota, ofSelf } = operation
  const domid = String(operation.domid)
  switch (kind) {
    case 'start':
    case 'resetWatches':
      return packStrings('')
    case 'end':
      return packStrings(commit ? 'T' : 'F')
    case 'introduce':
      return packStrings(domid, '0', String(XENSTORE_PORT))
    case 'release':
    case 'resume':
    case 'isIntroduced':
    case 'domainPath':
      return packStrings(domid)
    case 'setTarget':
    case 'setFeature':
      return packStrings(domid, String(number))
    case 'getFeature':
      return packStrings(ofSelf ? '' : domid)
    case 'getQuota':
      return packStrings(...(ofSelf ? [] : [domid]), quota)
    case 'setQuota':
      return packStrings(...(ofSelf ? [] : [domid]), quota, String(number))
    default:
      return nodeBodyOf(operation)
  }
}
