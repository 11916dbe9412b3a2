import { type OriginalServer, xenstoreSuite } from '@split-driver/conformance'
import { describe, expect, test } from 'vitest'
import type { Daemon } from '../../src/xenstore-peers/daemon.js'
import { DAEMON_WORLD_SUPPORTS, DaemonWorld } from '../../src/xenstore-peers/daemon-world.js'
import { differences, notAsked } from '../../src/xenstore-peers/differences.js'
import { startOwn, startPeer } from '../../src/xenstore-peers/index.js'
import { describeWithPeers } from './peers-here.js'

const deadly = new Set(notAsked.map(({ id }) => id))

/** The suite on one daemon; where an original is known to differ, its case must fail. */
const run = (start: () => Promise<Daemon>, server?: OriginalServer): void =>
  xenstoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    world: () => DaemonWorld.start(start),
    supports: DAEMON_WORLD_SUPPORTS,
    ...(server && { server }),
    differing: (name, difference, body) => {
      if (deadly.has(difference)) test.todo(`${name}: not run, ${server} might not survive it (${difference})`)
      else test(`${name}: fails (${difference})`, () => expect(body()).rejects.toThrow())
    },
  })

describe('a case that an original differs in', () => {
  const known = new Map([...differences, ...notAsked].map((entry) => [entry.id, entry.answers]))

  test.each(['C xenstored', 'oxenstored'] as const)(
    'names a difference of %s and ours that the table has',
    (server) => {
      const unknown: string[] = []
      xenstoreSuite({
        test: () => {},
        notRun: () => {},
        world: () => Promise.reject(new Error('no world is needed')),
        supports: DAEMON_WORLD_SUPPORTS,
        server,
        differing: (name, difference) => {
          const answers = known.get(difference)
          if (answers === undefined || answers[server] === answers.ours) unknown.push(`${name}: ${difference}`)
        },
      })
      expect(unknown).toEqual([])
    },
  )
})

describe('XenStore as Xen’s own daemons keep it: ours, at a socket', () => run(startOwn))

describeWithPeers('XenStore as Xen’s own daemons keep it: C xenstored', () =>
  run(() => startPeer('C xenstored'), 'C xenstored'),
)

describeWithPeers('XenStore as Xen’s own daemons keep it: oxenstored', () =>
  run(() => startPeer('oxenstored'), 'oxenstored'),
)
