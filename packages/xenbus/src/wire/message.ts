import { type Infer, struct, u32 } from '@split-driver/abi'

/** Stands before each message. @see xen/include/public/io/xs_wire.h struct xsd_sockmsg */
export const xsdSockmsg = struct('xsd_sockmsg', 16, {
  /** One of `XenStoreOp`; from a peer it may be anything. */
  type: u32(0),
  /** Chosen by the client, echoed by the server; 0 in watch events. */
  reqId: u32(4),
  /** 0 outside of a transaction. */
  txId: u32(8),
  /** Bytes of the body. */
  len: u32(12),
})

/** Bytes of a message's header. */
export const SOCKMSG_BYTES = xsdSockmsg.bytes

/** Bytes a body may have in either direction; more breaks the connection. @see xs_wire.h XENSTORE_PAYLOAD_MAX */
export const PAYLOAD_MAX_BYTES = 4096

/** One message, request or reply; `body` is a private copy. */
export interface Message extends Omit<Infer<typeof xsdSockmsg>, 'len'> {
  readonly body: Uint8Array
}

/**
 * Header and body as they go over the wire.
 * @throws RangeError if the body is beyond 4096 bytes: a caller answers E2BIG before it comes to this (rule 50)
 */
export const encodeMessage = ({ type, reqId, txId, body }: Message): Uint8Array => {
  if (body.length > PAYLOAD_MAX_BYTES) throw new RangeError(`a body of ${body.length} bytes is beyond the wire's 4096`)
  const bytes = new Uint8Array(SOCKMSG_BYTES + body.length)
  const header = xsdSockmsg.create({ type, reqId, txId, len: body.length })
  bytes.set(new Uint8Array(header.buffer))
  bytes.set(body, SOCKMSG_BYTES)
  return bytes
}
