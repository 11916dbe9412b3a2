import { FlatMemory } from '@split-driver/abi'
import { ByteRing, consoleRingView, PeerProgress, reversed } from '@split-driver/ring'
import { expect, it } from 'vitest'

it('the peer moves its indices by writing and by reading; what we do ourselves is none of its progress', () => {
  const page = FlatMemory.allocate(4096)
  const [ours, theirs] = [new ByteRing(consoleRingView, page), new ByteRing(reversed(consoleRingView), page)]
  const progress = new PeerProgress(ours)
  expect(progress.moved()).toBe(false)
  theirs.write(Uint8Array.of(1, 2))
  expect([progress.moved(), progress.moved()]).toEqual([true, false])
  ours.read(new Uint8Array(2))
  ours.write(Uint8Array.of(3))
  expect(progress.moved()).toBe(false)
  theirs.read(new Uint8Array(1))
  expect([progress.moved(), progress.moved()]).toEqual([true, false])
})
