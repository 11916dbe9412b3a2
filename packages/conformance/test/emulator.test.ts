import {
  blockSuite,
  consoleSuite,
  eventChannelSuite,
  grantSuite,
  type SuiteOptions,
  xenstoreSuite,
} from '@split-driver/conformance'
import { describe, test } from 'vitest'
import { EmulatedWorld, emulatedSupports } from './worlds/emulated-world.js'

describe.each(['inline', 'threads'] as const)('emulator, %s', (mode) => {
  const options: SuiteOptions = {
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => EmulatedWorld.create(mode),
    supports: emulatedSupports(mode),
  }
  for (const suite of [eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite]) suite(options)
})
