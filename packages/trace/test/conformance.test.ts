import { abiOf } from '@split-driver/blkif'
import {
  blockSuite,
  consoleSuite,
  eventChannelSuite,
  grantSuite,
  type SuiteOptions,
  xenstoreSuite,
} from '@split-driver/conformance'
import { EmulatedWorld } from '@split-driver/emulator'
import { TraceRecorder } from '@split-driver/trace'
import { describe, test } from 'vitest'
import { createTracedWorld } from './support/traced-world.js'

// Whatever a driver can see of a platform, it sees of a traced one: the suites cannot tell them apart.
describe.each(['inline', 'threads'] as const)('emulator, traced, %s', (mode) => {
  const options: SuiteOptions = {
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => createTracedWorld(new TraceRecorder({ capacity: 1000, devices: { vbd: abiOf } }), mode),
    supports: EmulatedWorld.supports(mode),
  }
  for (const suite of [eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite]) suite(options)
})
