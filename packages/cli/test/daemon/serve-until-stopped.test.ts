import { HostClock } from '@split-driver/privcmd'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { serveUntilStopped } from '../../src/daemon/serve-until-stopped.js'
import { ExitCode } from '../../src/exit-code.js'
import { ProcessLog } from '../../src/logging/log.js'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

const listeners = () => new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)] as const))

let before: ReturnType<typeof listeners>
beforeEach(() => {
  before = listeners()
})
afterEach(() => {
  for (const signal of SIGNALS)
    for (const listener of process.listeners(signal))
      if (!before.get(signal)!.includes(listener)) process.removeListener(signal, listener)
})

/** What is told of one daemon that gets these signals while it is being opened. */
const openedAmid = async (...signals: (typeof SIGNALS)[number][]) => {
  const told: string[] = []
  const clock = new HostClock()
  await using log = new ProcessLog({ level: 'error', json: false, clock })
  const code = await serveUntilStopped({
    open: async () => {
      for (const signal of signals) process.emit(signal, signal)
      told.push('opened')
      return {
        lost: new Promise<Error>(() => undefined),
        close: async () => void told.push('closed'),
        [Symbol.asyncDispose]: async () => undefined,
      }
    },
    clock,
    log: log.log,
    reload: () => void told.push('reloaded'),
  })
  return { code, told }
}

test('a signal that comes while a daemon is being opened stops it in order, as soon as it is there', async () => {
  expect(await openedAmid('SIGTERM')).toEqual({ code: ExitCode.Okay, told: ['opened', 'closed'] })
})

test('what is not there yet is not reloaded', async () => {
  expect(await openedAmid('SIGHUP', 'SIGINT')).toEqual({ code: ExitCode.Okay, told: ['opened', 'closed'] })
})
