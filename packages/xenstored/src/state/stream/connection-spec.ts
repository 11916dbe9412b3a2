import type { Domid, Port } from '@split-driver/abi'
import type { Draft, Part, Value } from './parts.js'

/** What a connection goes through. */
export type ConnectionSpec =
  | {
      readonly kind: 'ring'
      readonly domid: Domid
      /** On whose behalf the domain acts; `undefined` is DOMID_INVALID in the stream. */
      readonly target: Domid | undefined
      /** The server's own port. */
      readonly port: Port
    }
  | { readonly kind: 'socket'; readonly fd: number }

/** @see xen/include/public/xen.h DOMID_INVALID */
const DOMID_INVALID = 0x7ff4

const TYPES = ['ring', 'socket'] as const
const UNIQUE_ID = 0x0001

/** What the parts below add to a record. */
interface ConnectionValues {
  spec: ConnectionSpec
  input: Uint8Array
  output: Uint8Array
  partialBytes: number
  uniqueId: bigint | undefined
}

const valuesOf = ({ values }: Draft): ConnectionValues => values as unknown as ConnectionValues

/** conn-type and fields, which say how what follows is to be read. */
export const connectionType: Part<object> = {
  name: 'conn-type and fields',
  read: (source, { lengths }) => {
    const type = source.u16()
    const fields = source.u16()
    if (type >= TYPES.length) throw source.error(`there is no connection type ${type}`)
    if ((fields & ~UNIQUE_ID) !== 0) throw source.error(`there are no fields ${fields}`)
    lengths.set('conn-type', type).set('fields', fields)
  },
  write: (sink, draft) => {
    const { spec, uniqueId: id } = valuesOf(draft)
    sink.u16(TYPES.indexOf(spec.kind))
    sink.u16(id === undefined ? 0 : UNIQUE_ID)
  },
}

export const connectionSpec: Part<Value<'spec', ConnectionSpec>> = {
  name: 'conn-spec',
  read: (source, draft) => {
    const values = valuesOf(draft)
    if (TYPES[draft.lengths.get('conn-type')!] === 'ring') {
      const domid = source.u16() as Domid
      const target = source.u16() as Domid
      const port = source.u32() as Port
      values.spec = { kind: 'ring', domid, target: target === DOMID_INVALID ? undefined : target, port }
    } else {
      values.spec = { kind: 'socket', fd: source.i32() }
      source.u32()
    }
  },
  write: (sink, draft) => {
    const { spec } = valuesOf(draft)
    if (spec.kind === 'ring') {
      sink.u16(spec.domid)
      sink.u16(spec.target ?? DOMID_INVALID)
      sink.u32(spec.port)
    } else {
      sink.i32(spec.fd)
      sink.u32(0)
    }
  },
}

export const uniqueId: Part<Value<'uniqueId', bigint | undefined>> = {
  name: 'unique-id',
  read: (source, draft) => {
    const present = (draft.lengths.get('fields')! & UNIQUE_ID) !== 0
    if (present) source.align(8)
    valuesOf(draft).uniqueId = present ? source.u64() : undefined
  },
  write: (sink, draft) => {
    const { uniqueId: id } = valuesOf(draft)
    if (id === undefined) return
    sink.align(8)
    sink.u64(id)
  },
}

/** in-data-len, out-resp-len, out-data-len and data: what was read and not processed, what was to be written and is not. */
export const pendingData: Part<Value<'input' | 'output', Uint8Array> & Value<'partialBytes', number>> = {
  name: 'data',
  read: (source, draft) => {
    const values = valuesOf(draft)
    const inputBytes = source.u16()
    values.partialBytes = source.u16()
    const outputBytes = source.u32()
    if (values.partialBytes > outputBytes) throw source.error('more is left of a reply than of all')
    values.input = source.bytes(inputBytes)
    values.output = source.bytes(outputBytes)
  },
  write: (sink, draft) => {
    const { input, output, partialBytes } = valuesOf(draft)
    sink.u16(input.length)
    sink.u16(partialBytes)
    sink.u32(output.length)
    sink.bytes(input)
    sink.bytes(output)
  },
}
