import { encodeWatchEvent, type Message, SOCKMSG_BYTES } from '@split-driver/xenbus'

/** A message that waits to be sent. Of a watch event `body` is the token: the two strings are put together as they go out. */
export interface Outgoing extends Message {
  /** Of a watch event; plain ASCII, as all paths. */
  readonly path: string | undefined
}

/** Header and all. */
export const bytesOf = ({ path, body }: Outgoing): number =>
  SOCKMSG_BYTES + body.length + (path === undefined ? 0 : path.length + 2)

/** As it goes over the wire. */
export const messageOf = ({ type, reqId, txId, path, body }: Outgoing): Message => ({
  type,
  reqId,
  txId,
  body: path === undefined ? body : encodeWatchEvent({ path, token: body }),
})
