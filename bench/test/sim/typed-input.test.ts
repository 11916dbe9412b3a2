import type { ConsoleBackend } from '@split-driver/console'
import { expect, it } from 'vitest'
import { TypedInput } from '../../src/sim/typed-input.js'

/** Takes everything that is typed at it, or nothing. */
const daemon = (takes: boolean) => {
  const typed: number[] = []
  const writable = new WritableStream<Uint8Array>({
    write: (bytes) => {
      typed.push(...bytes)
      return takes ? undefined : new Promise<never>(() => {})
    },
  })
  return { typed, console: { attachWriter: () => ({ writable }) } as unknown as ConsoleBackend }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

const typedAt = async (...takes: boolean[]) => {
  const input = new TypedInput()
  const daemons = takes.map(daemon)
  for (const { console } of daemons) input.type(console, 200)
  await settle()
  return { input, typed: daemons.map(({ typed }) => typed) }
}

it('all that was typed must arrive', async () => {
  const { input, typed } = await typedAt(true)
  input.receive(Uint8Array.from(typed[0]!.slice(0, 199)))
  expect([input.complete, input.judge(false)]).toEqual([false, undefined])
  expect(input.judge(true)).toBe('not all of its input arrived')
  input.receive(Uint8Array.from(typed[0]!.slice(199)))
  expect([input.complete, input.judge(true)]).toEqual([true, undefined])
})

it('a gap or a wrong byte is found at once', async () => {
  const { input, typed } = await typedAt(true)
  input.receive(Uint8Array.from([...typed[0]!.slice(0, 50), ...typed[0]!.slice(51)]))
  expect(input.judge(false)).toBe('byte 51 of its input is not 50')
})

it('a daemon that was killed may take with it what it had not put into the ring, and nothing else', async () => {
  const killed = await typedAt(false, true)
  killed.input.receive(Uint8Array.from([...killed.typed[0]!.slice(0, 30), ...killed.typed[1]!]))
  expect(killed.input.judge(true)).toBeUndefined()
  const taken = await typedAt(true, true)
  taken.input.receive(Uint8Array.from([...taken.typed[0]!.slice(0, 30), ...taken.typed[1]!]))
  expect(taken.input.judge(true)).toBe('200 bytes of input were taken for it, 30 arrived')
})
