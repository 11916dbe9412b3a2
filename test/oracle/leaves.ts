import type { ArrayField, Field, FieldShapes, Layout, NestedField } from '@split-driver/abi'

type AnyLayout = Layout<FieldShapes>

/** A field that holds no other fields, named as one would reach it in C: `vcpuInfo[3].time.version`. */
export interface Leaf {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  get(words: Int32Array): unknown
  set(words: Int32Array, value: unknown): void
}

const isArray = (field: Field<unknown>): field is ArrayField<FieldShapes> => 'element' in field

const isNested = (field: Field<unknown>): field is NestedField<FieldShapes> => 'layout' in field

/** All fields of a layout, those of inner structs in place of the structs. */
export const leavesOf = (layout: AnyLayout, prefix = '', base = 0): Leaf[] =>
  Object.entries(layout.at).flatMap(([key, field]) => {
    const name = prefix + key
    if (isArray(field))
      return Array.from({ length: field.count }, (_, i) =>
        leavesOf(field.element, `${name}[${i}].`, base + field.wordOf(i)),
      ).flat()
    if (isNested(field)) return leavesOf(field.layout, `${name}.`, base + field.word)
    return {
      name,
      offset: base * 4 + field.offset,
      bytes: field.bytes,
      get: (words) => field.get(words, base),
      set: (words, value) => field.set(words, base, value),
    }
  })
