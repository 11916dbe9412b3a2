import { toText } from '@split-driver/xenbus'
import { expect, test } from 'vitest'
import { listingBody, listingPartBody } from '../src/requests/listing.js'
import { newNode } from '../src/tree/tree.js'

test('rule 50: 200,000 children are too many for one reply, and come whole in parts, in their order', () => {
  const names = Array.from({ length: 200_000 }, (_, i) => `child-${i}`)
  let { children } = newNode(new Uint8Array(), [] as never, 7)
  const child = newNode(new Uint8Array(), [] as never, 7)
  for (const name of names) children = children.set(name, child)
  const listingBytes = names.reduce((bytes, name) => bytes + name.length + 1, 0)
  const node = { ...child, children, listingBytes }
  expect(listingBody(node)).toBeUndefined()
  let listed = ''
  while (!listed.endsWith('\0\0')) {
    const part = toText(listingPartBody(node, listed.length))
    expect(part.startsWith('7\0')).toBe(true)
    expect(part.length).toBeLessThanOrEqual(4096)
    listed += part.slice(2)
  }
  expect(listed).toBe(`${names.join('\0')}\0\0`)
})
