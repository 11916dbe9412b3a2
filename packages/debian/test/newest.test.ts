import { expect, it } from 'vitest'
import { newest } from '../src/newest.js'

it.each([
  [['4.9', '4.17', '4.14'], '4.17'],
  [['vmlinuz-6.1.0-9-amd64', 'vmlinuz-6.1.0-56-amd64'], 'vmlinuz-6.1.0-56-amd64'],
  [[], undefined],
])('of %j the newest is %s', (versions, expected) => {
  expect(newest(versions)).toBe(expected)
})
