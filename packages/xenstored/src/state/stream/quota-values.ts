import { toBytes } from '@split-driver/xenbus'
import { asciiText, type Draft, type Part, type Value } from './parts.js'
import type { StreamSource } from './stream-source.js'

/** 0 is "unlimited". */
export interface QuotaValue {
  readonly name: string
  readonly value: number
}

const valuesOf = ({ values }: Draft, name: string): readonly QuotaValue[] => values[name] as readonly QuotaValue[]

/**
 * Several groups of quotas: how many are in each, then, apart from that, all their values and after them all their names.
 */
export const quotaValues = <const K extends string>(...groups: readonly K[]) => {
  const counts = groups.map(
    (name): Part<object> => ({
      name: `number of ${name}`,
      read: (source, { lengths }) => void lengths.set(name, source.u16()),
      write: (sink, draft) => sink.u16(valuesOf(draft, name).length),
    }),
  )
  const content: Part<Value<K, readonly QuotaValue[]>> = {
    name: groups.join(' and '),
    read: (source, { values, lengths }) => {
      const sizes = groups.map((name) => lengths.get(name)!)
      const numbers = sizes.map((size) => Array.from({ length: size }, () => source.u32()))
      numbers.forEach((group, i) => {
        values[groups[i]!] = group.map((value) => ({ name: quotaName(source), value }))
      })
    },
    write: (sink, draft) => {
      const all = groups.flatMap((name) => valuesOf(draft, name))
      for (const { value } of all) sink.u32(value)
      for (const { name } of all) sink.bytes(Uint8Array.of(...toBytes(name), 0))
    },
  }
  return { counts, content }
}

const quotaName = (source: StreamSource): string => {
  const codes: number[] = []
  for (let code = source.u8(); code !== 0; code = source.u8()) codes.push(code)
  return asciiText(source, Uint8Array.from(codes))
}
