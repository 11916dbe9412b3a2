import { closeSync, openSync } from 'node:fs'
import { inheritedDescriptor } from '@split-driver/privcmd'
import { expect, onTestFinished, test } from 'vitest'

/** A node that nothing else here has open. */
const NODE = '/dev/full'

const opened = (path: string): number => {
  const fd = openSync(path, 'r')
  onTestFinished(() => closeSync(fd))
  return fd
}

test('the descriptor that was said, however many there are', () => {
  const [one, other] = [opened(NODE), opened(NODE)]
  expect([one, other].map((fd) => inheritedDescriptor(NODE, fd))).toEqual([one, other])
})

test('the only one that is the node, where something else was said', () => {
  const [other, node] = [opened('/dev/zero'), opened(NODE)]
  expect(inheritedDescriptor(NODE, other)).toBe(node)
  expect(inheritedDescriptor(NODE, 12_345)).toBe(node)
})

test('none, where something else was said and the node is open twice, or not at all, or is not there', () => {
  const other = opened('/dev/zero')
  expect(inheritedDescriptor(NODE, other)).toBeUndefined()
  expect(inheritedDescriptor('/dev/none', other)).toBeUndefined()
  opened(NODE)
  opened(NODE)
  expect(inheritedDescriptor(NODE, other)).toBeUndefined()
})
