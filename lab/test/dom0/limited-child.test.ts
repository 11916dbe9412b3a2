import { spawn } from 'node:child_process'
import { expect, it } from 'vitest'
import { outcomeOf } from '../../src/dom0/limited-child.js'

const node = (script: string) =>
  spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })

it.each([
  ['0', 0],
  ['3', 3],
])('exit code %s is the outcome', async (code, outcome) => {
  expect(await outcomeOf(node(`process.exit(${code})`), 20)).toBe(outcome)
})

it('a signal is told by its name', async () => {
  expect(await outcomeOf(node('process.kill(process.pid, "SIGKILL")'), 20)).toBe('ended by SIGKILL')
})

it('a program that is not there is told', async () => {
  expect(await outcomeOf(spawn('no-such-program-anywhere', { detached: true }), 20)).toMatch(/ENOENT/)
})

it('one that takes too long is ended with all that it started', async () => {
  const child = node(`
    const { spawn } = require('node:child_process')
    spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => 0, 1000)'], { stdio: 'inherit' })
    setInterval(() => 0, 1000)`)
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  expect(await outcomeOf(child, 0.01)).toBe('not done after 0 s')
  // Whoever of them still lived would hold the pipe open.
  await closed
})

it('what it wrote last is there when it has ended', async () => {
  const child = node('process.stdout.write("x".repeat(1 << 20))')
  let length = 0
  child.stdout.on('data', (bytes) => {
    length += bytes.length
  })
  await outcomeOf(child, 20)
  expect(length).toBe(1 << 20)
})
