import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Fifo } from './support/fifo.js'

/** Milliseconds after which a process that was told to end hangs. */
const PATIENCE_MS = 10_000

const start = (ending: string): ChildProcess => {
  const fifo = new Fifo()
  const program = join(import.meta.dirname, 'support', 'waiting-process.mjs')
  const child = spawn(process.execPath, [program, fifo.path, ending], { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
    fifo[Symbol.dispose]()
  })
  return child
}

/** @returns the exit code, or the signal that ended it */
const endOf = async (child: ChildProcess): Promise<number | string> => {
  const [code, signal] = await once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE_MS) })
  return code ?? signal
}

describe('a process that waits for a device node', () => {
  it.each([
    ['exit', 7],
    ['throw', 1],
    ['throw when told', 1],
    ['run empty', 0],
    ['settle a promise', 0],
    ['terminate a worker', 0],
  ])('ends at once: %s', async (ending, code) => {
    expect(await endOf(start(ending))).toBe(code)
  })

  it('ends at once: SIGTERM', async () => {
    const child = start('wait for ever')
    await once(child.stdout!, 'data')
    child.kill('SIGTERM')
    expect(await endOf(child)).toBe('SIGTERM')
  })

  it('is kept alive by what it waits for, as by an open socket', async () => {
    const child = start('wait for ever')
    await once(child.stdout!, 'data')
    const ended = endOf(child)
    const stillThere = new Promise((resolve) => setTimeout(() => resolve('still there'), 500))
    expect(await Promise.race([ended, stillThere])).toBe('still there')
    child.kill('SIGKILL')
    await ended
  })
})
