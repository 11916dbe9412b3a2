import { NbdDisk } from '@split-driver/blkif'
import { blockStoreSuite } from '@split-driver/conformance'
import { describe, test } from 'vitest'
import { ALL_FLAGS, FakeNbdServer } from '../fakes/nbd-server.js'
import { testClock } from '../fakes/test-clock.js'

describe.each([{ structured: true }, { structured: false }])('NbdDisk over a server with %j', ({ structured }) => {
  blockStoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    offers: ['discard', 'writeZeroes'],
    factory: (content, { sectorBytes, readOnly }) => {
      const server = new FakeNbdServer(content)
      server.structured = structured
      server.exports[''] = { flags: ALL_FLAGS | (readOnly ? 2 : 0), blockSizes: [1, 4096, 8192] }
      return NbdDisk.connect('the disk', { dial: server.dial, clock: testClock(), sectorBytes })
    },
  })
})
