import {
  decodeError,
  decodeWatchEvent,
  encodeError,
  encodeWatchEvent,
  okBody,
  packStringAndRest,
  packStrings,
  toBytes,
  toText,
  unpackStringAndRest,
  unpackStrings,
  unpackTexts,
  WIRE_ERRORS,
} from '@split-driver/xenbus'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const noNul = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((byte) => byte || 1))

it('strings travel each with its NUL, and come back', () => {
  expect([...packStrings('a', '', 'bc')]).toEqual([97, 0, 0, 98, 99, 0])
  fc.assert(
    fc.property(fc.array(noNul, { maxLength: 6 }), (strings) => {
      expect(unpackStrings(packStrings(...strings))).toEqual(strings)
    }),
  )
})

it('a string that lacks its NUL is no string', () => {
  expect(unpackStrings(toBytes('abc'))).toBeUndefined()
  expect(unpackStrings(toBytes('a\0b'))).toBeUndefined()
  expect(unpackStrings(new Uint8Array())).toEqual([])
})

it('WRITE: the value is all bytes after the path, NULs too', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (value) => {
      const body = packStringAndRest('/a/b', value)
      const split = unpackStringAndRest(body)!
      expect(toText(split.string)).toBe('/a/b')
      expect(split.rest).toEqual(value)
    }),
  )
  expect(unpackStringAndRest(toBytes('/a'))).toBeUndefined()
})

it('text is UTF-8 and keeps a byte order mark', () => {
  for (const text of ['', 'ä€😀', '\ufeffx']) expect(toText(toBytes(text))).toBe(text)
})

it('rule 45: a watch event has path and token, the token byte for byte', () => {
  fc.assert(
    fc.property(noNul, (token) => {
      expect(decodeWatchEvent(encodeWatchEvent({ path: 'device/vbd', token }))).toEqual({ path: 'device/vbd', token })
    }),
  )
  for (const body of [packStrings('a'), packStrings('a', 'b', 'c'), toBytes('a\0b'), new Uint8Array()])
    expect(decodeWatchEvent(body)).toBeUndefined()
})

it('rule 39: an error is its name and NUL', () => {
  expect([...encodeError('ENOENT')]).toEqual([69, 78, 79, 69, 78, 84, 0])
  for (const name of WIRE_ERRORS) expect(decodeError(encodeError(name))).toBe(name)
})

it('rule 39: a name that does not travel is sent, and read, as EINVAL', () => {
  for (const name of ['EQUOTA', 'BAD_KEY', '', 'enoent', 'GNTST_eagain']) {
    expect(unpackTexts(encodeError(name))).toEqual(['EINVAL'])
    expect(decodeError(packStrings(name))).toBe('EINVAL')
  }
  expect(decodeError(toBytes('ENOENT'))).toBe('EINVAL')
})

it('a plain yes is OK and NUL', () => expect([...okBody()]).toEqual([79, 75, 0]))
