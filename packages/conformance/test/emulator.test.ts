import {
  blockSuite,
  consoleSuite,
  eventChannelSuite,
  grantSuite,
  type SuiteOptions,
  xenstoreSuite,
} from '@split-driver/conformance'
import { EmulatedWorld } from '@split-driver/emulator'
import { describe, test } from 'vitest'
import { createEmulatedWorld } from './worlds/emulated-world.js'

describe.each([
  { mode: 'inline', seed: 1 },
  { mode: 'threads', seed: 1 },
  { mode: 'simulated', seed: 1 },
  { mode: 'simulated', seed: 2 },
  { mode: 'simulated', seed: 0xfeed_f00d },
] as const)('emulator, $mode, seed $seed', ({ mode, seed }) => {
  const options: SuiteOptions = {
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => createEmulatedWorld(mode, seed),
    supports: EmulatedWorld.supports(mode),
    seed,
  }
  for (const suite of [eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite]) suite(options)
})

/** Suites that go through grants, with version 2 tables. */
describe.each(['inline', 'threads'] as const)('emulator, %s, grant tables of version 2', (mode) => {
  const options: SuiteOptions = {
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => createEmulatedWorld(mode, 1, { grantVersion: 2 }),
    supports: EmulatedWorld.supports(mode),
  }
  for (const suite of [grantSuite, blockSuite]) suite(options)
})

/** Suites that go by events, under the FIFO ABI. */
describe.each(['inline', 'threads', 'simulated'] as const)('emulator, %s, FIFO events', (mode) => {
  const options: SuiteOptions = {
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => createEmulatedWorld(mode, 1, { eventAbi: 'fifo' }),
    supports: EmulatedWorld.supports(mode),
  }
  for (const suite of [eventChannelSuite, blockSuite, consoleSuite]) suite(options)
})

/** Suites that go by events, with guests of 32 bits beside a control domain of 64. */
describe.each(['inline', 'threads', 'simulated'] as const)('emulator, %s, 32-bit guests', (mode) => {
  const options: SuiteOptions = {
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => createEmulatedWorld(mode, 1, {}, { wordBits: 32 }),
    supports: EmulatedWorld.supports(mode),
  }
  for (const suite of [eventChannelSuite, blockSuite]) suite(options)
})
