import { blockSuite, consoleSuite, eventChannelSuite, grantSuite, xenstoreSuite } from '@split-driver/conformance'
import { EmulatedWorld } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { casesOf } from './defects/defective-world.js'
import { blockDefects, consoleDefects } from './defects/driver-defects.js'
import { eventDefects } from './defects/event-defects.js'
import { grantDefects } from './defects/grant-defects.js'
import { wireDefects } from './defects/wire-defects.js'
import { xenstoreDefects } from './defects/xenstore-defects.js'

describe.each([
  { suite: eventChannelSuite, of: 'event channels', defects: eventDefects },
  { suite: grantSuite, of: 'grants', defects: grantDefects },
  { suite: xenstoreSuite, of: 'XenStore', defects: xenstoreDefects },
  { suite: xenstoreSuite, of: 'XenStore’s wire', defects: wireDefects },
  { suite: consoleSuite, of: 'console', defects: consoleDefects },
  { suite: blockSuite, of: 'block', defects: blockDefects },
])('the suite of $of notices', ({ suite, defects }) => {
  test.each(defects)('%s: “%s” fails, and passes without it', async (_, part, defect) => {
    const name = [...casesOf(suite).keys()].find((title) => title.includes(part))!
    await expect(casesOf(suite, defect).get(name)!(), name).rejects.toThrow()
    await casesOf(suite).get(name)!()
  })
})

test('a case that this world cannot run is reported as not run, with the reason', () => {
  const notRun: string[] = []
  const options = { test: () => {}, world: () => Promise.reject(new Error('no world is needed')) }
  const supports = { ...EmulatedWorld.supports('inline'), ipi: false }
  eventChannelSuite({ ...options, supports, notRun: (name, reason) => notRun.push(`${name}: ${reason}`) })
  expect(notRun).toEqual(['event channels: an IPI wakes its own domain: this world does not support ipi'])
})
