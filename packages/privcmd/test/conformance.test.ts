import {
  blockSuite,
  consoleSuite,
  eventChannelSuite,
  grantSuite,
  type SuiteOptions,
  type World,
  xenstoreSuite,
} from '@split-driver/conformance'
import { describe, test } from 'vitest'
import { EmulatedLoopback } from './support/emulated-loopback.js'
import { EmulatedNodesWorld } from './support/emulated-nodes-world.js'

const worlds: { readonly of: string; readonly create: () => Promise<World> }[] = [
  { of: 'domains with nodes of their own', create: () => EmulatedNodesWorld.create() },
  { of: 'the control domain alone, looped back', create: () => EmulatedLoopback.create() },
]

const supportsOf = async (create: () => Promise<World>) => {
  await using world = await create()
  return world.supports
}

for (const { of, create } of worlds) {
  const supports = await supportsOf(create)
  describe(`privcmd on emulated nodes: ${of}`, () => {
    const options: SuiteOptions = {
      test,
      notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
      world: create,
      supports,
    }
    for (const suite of [eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite]) suite(options)
  })
}
