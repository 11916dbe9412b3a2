import { concatBytes, SOCKMSG_BYTES, toBytes, XenStoreOp, xsdSockmsg } from '@split-driver/xenbus'

/** A request in pieces, so that each can be spoilt by itself. */
export interface FuzzedRequest {
  readonly type: number
  readonly txId: number
  /** Each ends in a NUL. */
  readonly strings: readonly (string | Uint8Array)[]
  /** What follows the last NUL. */
  readonly rest: string | Uint8Array
  /** What the header says of the body's length; the truth unless given. */
  readonly length?: number
}

const NUL = Uint8Array.of(0)

export const bodyOf = ({ strings, rest }: FuzzedRequest): Uint8Array =>
  concatBytes(...strings.flatMap((string) => [toBytes(string), NUL]), toBytes(rest))

/** Header and body as they go over the wire, whatever they are. */
export const bytesOf = (request: FuzzedRequest, reqId: number): Uint8Array => {
  const body = bodyOf(request)
  const { type, txId, length = body.length } = request
  const header = xsdSockmsg.create({ type, reqId, txId, len: length })
  return concatBytes(new Uint8Array(header.buffer, 0, SOCKMSG_BYTES), body)
}

const request = (type: number, strings: readonly string[], rest = '', txId = 0): FuzzedRequest => ({
  type,
  txId,
  strings,
  rest,
})

/** Every operation, mostly valid: each is answered with success by some client. */
export const requestTemplates = (): FuzzedRequest[] => [
  request(XenStoreOp.Control, ['check']),
  request(XenStoreOp.Control, ['quota', '1']),
  request(XenStoreOp.Control, ['quota', 'set', 'nodes', '900']),
  request(XenStoreOp.Control, ['help']),
  request(XenStoreOp.Directory, ['/a']),
  request(XenStoreOp.Read, ['r/s']),
  request(XenStoreOp.GetPerms, ['/a']),
  request(XenStoreOp.Watch, ['/a', 't']),
  request(XenStoreOp.Watch, ['@releaseDomain', 'u', '1']),
  request(XenStoreOp.Unwatch, ['/a', 't']),
  request(XenStoreOp.TransactionStart, ['']),
  request(XenStoreOp.TransactionEnd, ['T'], '', 1),
  request(XenStoreOp.TransactionEnd, ['F'], '', 2),
  request(XenStoreOp.Introduce, ['3', '0', '1']),
  request(XenStoreOp.Release, ['4']),
  request(XenStoreOp.GetDomainPath, ['2']),
  request(XenStoreOp.Write, ['/a/b'], 'value'),
  request(XenStoreOp.Write, ['r/s'], 'inside', 1),
  request(XenStoreOp.Mkdir, ['/a/c/d']),
  request(XenStoreOp.Rm, ['/a/b']),
  request(XenStoreOp.SetPerms, ['/a/b', 'n1', 'b2', 'r3']),
  request(XenStoreOp.WatchEvent, ['/a', 't']),
  request(XenStoreOp.Error, ['EIO']),
  request(XenStoreOp.IsDomainIntroduced, ['1']),
  request(XenStoreOp.Resume, ['3']),
  request(XenStoreOp.SetTarget, ['3', '4']),
  request(20, ['1']),
  request(XenStoreOp.ResetWatches, ['']),
  request(XenStoreOp.DirectoryPart, ['/a', '2']),
  request(XenStoreOp.GetFeature, ['1']),
  request(XenStoreOp.SetFeature, ['9', '3']),
  request(XenStoreOp.GetQuota, ['1', 'nodes']),
  request(XenStoreOp.SetQuota, ['1', 'nodes', '100']),
  request(XenStoreOp.Invalid, ['']),
]
