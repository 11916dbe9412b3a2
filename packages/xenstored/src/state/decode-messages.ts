import { XenError } from '@split-driver/abi'
import { type Message, PAYLOAD_MAX_BYTES, SOCKMSG_BYTES, xsdSockmsg } from '@split-driver/xenbus'

/** Whole messages, one after the other. @throws XenError EPROTO if the last one is not, or one is too long */
export const decodeMessages = (bytes: Uint8Array): Message[] => {
  const messages: Message[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < SOCKMSG_BYTES) throw notWhole(at)
    const { len, ...header } = xsdSockmsg.read(
      new Int32Array(new Uint8Array(bytes.subarray(at, at + SOCKMSG_BYTES)).buffer),
    )
    const start = at + SOCKMSG_BYTES
    if (len > PAYLOAD_MAX_BYTES || len > bytes.length - start) throw notWhole(at)
    messages.push({ ...header, body: bytes.slice(start, start + len) })
    at = start + len
  }
  return messages
}

const notWhole = (at: number): XenError =>
  new XenError('EPROTO', `state: at byte ${at} of what waits for a client is no message`, { detail: { at } })
