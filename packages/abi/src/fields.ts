import type {
  ArrayField,
  BytesField,
  Field,
  Field64,
  FieldShapes,
  Layout,
  NestedField,
  Values,
  WordsField,
} from './layout.js'

const TWO_TO_32 = 0x1_0000_0000

const aligned = (offset: number, alignment: number): number => {
  if (offset % alignment === 0) return offset
  throw new RangeError(`a ${alignment * 8}-bit field cannot lie at byte ${offset}`)
}

/** A field of 8 or 16 bits inside its word. */
const narrow = (offset: number, bytes: 1 | 2, signed: boolean): Field<number> => {
  const word = aligned(offset, bytes) >> 2
  const shift = (offset & 3) * 8
  const width = bytes * 8
  const mask = (1 << width) - 1
  const up = 32 - width
  return {
    offset,
    bytes,
    word,
    get: (words, base) => {
      const raw = (words[base + word]! >>> shift) & mask
      return signed ? (raw << up) >> up : raw
    },
    set: (words, base, value) => {
      words[base + word] = (words[base + word]! & ~(mask << shift)) | ((value & mask) << shift)
    },
  }
}

export const u8 = (offset: number): Field<number> => narrow(offset, 1, false)
export const i8 = (offset: number): Field<number> => narrow(offset, 1, true)
export const u16 = (offset: number): Field<number> => narrow(offset, 2, false)
export const i16 = (offset: number): Field<number> => narrow(offset, 2, true)

export const u32 = (offset: number): Field<number> => {
  const word = aligned(offset, 4) >> 2
  return {
    offset,
    bytes: 4,
    word,
    get: (words, base) => words[base + word]! >>> 0,
    set: (words, base, value) => {
      words[base + word] = value
    },
  }
}

export const i32 = (offset: number): Field<number> => ({
  ...u32(offset),
  get: (words, base) => words[base + (offset >> 2)]!,
})

/** 64 bits, low word first; needs only 4-byte alignment, as in the 32-bit ABIs. */
export const u64 = (offset: number): Field64 => {
  const word = aligned(offset, 4) >> 2
  return {
    offset,
    bytes: 8,
    word,
    get: (words, base) => (BigInt(words[base + word + 1]! >>> 0) << 32n) | BigInt(words[base + word]! >>> 0),
    set: (words, base, value) => {
      words[base + word] = Number(BigInt.asIntN(32, value))
      words[base + word + 1] = Number(BigInt.asIntN(32, value >> 32n))
    },
    getNumber: (words, base) => {
      const high = words[base + word + 1]! >>> 0
      return high > 0x1f_ffff ? Number.POSITIVE_INFINITY : high * TWO_TO_32 + (words[base + word]! >>> 0)
    },
    setNumber: (words, base, value) => {
      words[base + word] = (value % TWO_TO_32) | 0
      words[base + word + 1] = (value / TWO_TO_32) | 0
    },
  }
}

/** Opaque bytes, such as a fixed-size string; reads a copy. */
export const bytes = (offset: number, length: number): BytesField => {
  const slice = (words: Int32Array, base: number): Uint8Array =>
    new Uint8Array(words.buffer, words.byteOffset + base * 4 + offset, length)
  return {
    offset,
    bytes: length,
    word: offset >> 2,
    get: (words, base) => slice(words, base).slice(),
    set: (words, base, value) => {
      if (value.length > length) throw new RangeError(`${value.length} bytes do not fit a field of ${length}`)
      const target = slice(words, base)
      target.fill(0)
      target.set(value)
    },
  }
}

/** A C string: UTF-8 with a NUL behind it, zero to the field's end. Without a NUL, all of the field is the string. */
export const text = (offset: number, length: number): Field<string> => {
  const raw = bytes(offset, length)
  return {
    ...raw,
    get: (words, base) => {
      const all = raw.get(words, base)
      const end = all.indexOf(0)
      return new TextDecoder().decode(end < 0 ? all : all.subarray(0, end))
    },
    set: (words, base, value) => {
      const encoded = new TextEncoder().encode(value)
      if (encoded.length >= length) throw new RangeError(`${encoded.length} bytes and a NUL do not fit ${length}`)
      if (encoded.includes(0)) throw new RangeError('a C string cannot hold a NUL')
      raw.set(words, base, encoded)
    },
  }
}

/** `count` unsigned 32-bit words one after the other; also an array of 64-bit words, taken as its halves. */
export const words = (offset: number, count: number): WordsField => {
  const first = aligned(offset, 4) >> 2
  return {
    offset,
    bytes: count * 4,
    word: first,
    count,
    wordOf: (i) => first + i,
    get: (source, base) => Array.from({ length: count }, (_, i) => source[base + first + i]! >>> 0),
    set: (target, base, values) => {
      if (values.length > count) throw new RangeError(`${values.length} words do not fit an array of ${count}`)
      values.forEach((value, i) => {
        target[base + first + i] = value
      })
    },
  }
}

/** A struct inside a struct. */
export const nested = <F extends FieldShapes>(offset: number, layout: Layout<F>): NestedField<F> => {
  const word = aligned(offset, 4) >> 2
  return {
    offset,
    bytes: layout.bytes,
    word,
    layout,
    get: (source, base) => layout.read(source, base + word),
    set: (target, base, value) => {
      layout.write(target, value, base + word)
    },
  }
}

/** `count` structs one after the other. Their size must be a whole number of words. */
export const array = <F extends FieldShapes>(offset: number, count: number, element: Layout<F>): ArrayField<F> => {
  const first = aligned(offset, 4) >> 2
  const stride = aligned(element.bytes, 4) >> 2
  return {
    offset,
    bytes: element.bytes * count,
    word: first,
    count,
    element,
    wordOf: (i) => first + i * stride,
    get: (words, base) => Array.from({ length: count }, (_, i) => element.read(words, base + first + i * stride)),
    set: (words, base, values: Values<F>[]) => {
      if (values.length > count) throw new RangeError(`${values.length} elements do not fit an array of ${count}`)
      values.forEach((value, i) => {
        element.write(words, value, base + first + i * stride)
      })
    },
  }
}
