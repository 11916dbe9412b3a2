import { XenError } from '@split-driver/abi'
import * as v from 'valibot'

/** What one who attaches sends first: one line of JSON. After the answer, both directions carry raw bytes. */
export interface AttachRequest {
  /** `write` to type as well; there is one such at a time. */
  readonly access: 'read' | 'write'
  /** Begin with what the daemon still holds of the output. */
  readonly history: boolean
}

/** The daemon's answer: one line of JSON. */
export type AttachAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly message: string }

const requestSchema = v.strictObject({
  access: v.picklist(['read', 'write']),
  history: v.optional(v.boolean(), true),
})

const answerSchema = v.variant('ok', [
  v.object({ ok: v.literal(true) }),
  v.object({ ok: v.literal(false), code: v.string(), message: v.string() }),
])

/** @throws XenError EPROTO */
export const parseRequest = (line: string): AttachRequest => parseLine(requestSchema, line)

/** @throws XenError EPROTO */
export const parseAnswer = (line: string): AttachAnswer => parseLine(answerSchema, line)

const parseLine = <Schema extends v.GenericSchema>(schema: Schema, line: string): v.InferOutput<Schema> => {
  try {
    return v.parse(schema, JSON.parse(line))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new XenError('EPROTO', `not a line of this protocol: ${reason}`, { cause: error })
  }
}

/** Bytes of a first line at most. */
const MAX_LINE_BYTES = 1024

/**
 * Takes the first line of a connection.
 * @param input is left after the chunk that ended the line
 * @returns the line, and what came behind it
 * @throws XenError EPROTO if there is none, or if it is too long
 */
export const readFirstLine = async (input: AsyncIterator<Buffer>): Promise<{ line: string; rest: Buffer }> => {
  let bytes = Buffer.alloc(0)
  while (bytes.length <= MAX_LINE_BYTES) {
    const end = bytes.indexOf('\n')
    if (end >= 0) return { line: bytes.toString('utf8', 0, end), rest: bytes.subarray(end + 1) }
    const next = await input.next()
    if (next.done) throw new XenError('EPROTO', 'the connection ended within its first line')
    bytes = Buffer.concat([bytes, next.value])
  }
  throw new XenError('EPROTO', `the first line is longer than ${MAX_LINE_BYTES} bytes`)
}
