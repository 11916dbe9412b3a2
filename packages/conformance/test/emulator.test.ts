import {
  blockSuite,
  consoleSuite,
  eventChannelSuite,
  grantSuite,
  type Suite,
  xenstoreSuite,
} from '@split-driver/conformance'
import { EmulatedWorld } from '@split-driver/emulator'
import { describe, test } from 'vitest'
import { createEmulatedWorld } from './worlds/emulated-world.js'

type WorldArguments = Parameters<typeof createEmulatedWorld>

/** Registers suites, each case with a fresh world of these arguments. */
const run = (suites: readonly Suite[], ...[mode, seed, ...rest]: WorldArguments): void => {
  const options = {
    test,
    notRun: (name: string, reason: string) => test.todo(`${name}: not run, ${reason}`),
    world: () => createEmulatedWorld(mode, seed, ...rest),
    supports: EmulatedWorld.supports(mode),
    seed: seed ?? 1,
  }
  for (const suite of suites) suite(options)
}

describe.each([
  { mode: 'inline', seed: 1 },
  { mode: 'threads', seed: 1 },
  { mode: 'simulated', seed: 1 },
  { mode: 'simulated', seed: 2 },
  { mode: 'simulated', seed: 0xfeed_f00d },
] as const)('emulator, $mode, seed $seed', ({ mode, seed }) => {
  run([eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite], mode, seed)
})

/** Suites that go through grants, with version 2 tables. */
describe.each(['inline', 'threads'] as const)('emulator, %s, grant tables of version 2', (mode) => {
  run([grantSuite, blockSuite], mode, 1, { grantVersion: 2 })
})

/** Suites that go by events, under the FIFO ABI. */
describe.each(['inline', 'threads', 'simulated'] as const)('emulator, %s, FIFO events', (mode) => {
  run([eventChannelSuite, blockSuite, consoleSuite], mode, 1, { eventAbi: 'fifo' })
})

/** Suites that go by events, with guests of 32 bits beside a control domain of 64. */
describe.each(['inline', 'threads', 'simulated'] as const)('emulator, %s, 32-bit guests', (mode) => {
  run([eventChannelSuite, blockSuite], mode, 1, {}, { wordBits: 32 })
})
