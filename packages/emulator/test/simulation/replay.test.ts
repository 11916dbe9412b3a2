import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Machine } from '../../src/machine.js'
import { livesOf } from '../programs/simulated-world.mjs'

const program = fileURLToPath(new URL('../programs/simulated-world.mjs', import.meta.url))

describe('the same seed', () => {
  it('gives the same trace and the same time, again and in another process', async () => {
    const once = await livesOf(7)
    expect(once.hash).toMatch(/^[0-9a-f]{16}$/)
    expect(await livesOf(7)).toEqual(once)
    const { stdout } = await promisify(execFile)(process.execPath, [program, '7'])
    expect(JSON.parse(stdout)).toEqual(once)
  })

  it('is what makes them so: others give others', async () => {
    const hashes = new Set<string>()
    for (let seed = 0; seed < 8; seed++) hashes.add((await livesOf(seed)).hash)
    expect(hashes.size).toBe(8)
  })
})

it('a hypercall more changes the hash, and so does one argument', () => {
  const hashAfter = (act: (machine: Machine) => void): string => {
    const machine = Machine.create({ mode: 'simulated', memoryMiB: 8 })
    const { domid } = machine.buildControlDomain({ memoryPages: 16 })
    act(machine)
    machine.calls.channels.allocUnbound(domid, domid, domid)
    return machine.simulation!.traceHash
  }
  const hashes = [
    hashAfter(() => {}),
    hashAfter(({ calls }) => calls.channels.bindIpi(0 as never)),
    hashAfter(({ calls }) => calls.channels.allocUnbound(0 as never, 0 as never, 1 as never)),
    hashAfter(({ calls }) => calls.channels.allocUnbound(0 as never, 0 as never, 2 as never)),
  ]
  expect(new Set(hashes).size).toBe(4)
  expect(hashAfter(() => {})).toBe(hashes[0])
})

it('a choice changes the hash', () => {
  const { simulation } = Machine.create({ mode: 'simulated', memoryMiB: 8 })
  const before = simulation!.traceHash
  expect(simulation!.choose(1)).toBe(0)
  expect(simulation!.traceHash).not.toBe(before)
})

it('another thread cannot join a simulated machine', () => {
  const { handle } = Machine.create({ mode: 'simulated', memoryMiB: 8 })
  expect(() => Machine.join(handle)).toThrow(TypeError)
})
