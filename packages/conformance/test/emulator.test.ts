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

describe.each(['inline', 'threads'] as const)('emulator, %s', (mode) => {
  const options: SuiteOptions = {
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => createEmulatedWorld(mode),
    supports: EmulatedWorld.supports(mode),
  }
  for (const suite of [eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite]) suite(options)
})
