import { CONSOLE_IN_BYTES, CONSOLE_OUT_BYTES } from '@split-driver/console'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  forge,
  guestMachine,
  indexOf,
  interestingIndices,
  pattern,
  seedIndices,
  settle,
  take,
} from './support/console-pair.js'

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe('rule 57: the ring page', () => {
  test('output goes to byte 1024, input comes from byte 0', async () => {
    const { memory, frontend } = guestMachine()
    const console = frontend()
    expect(console.tryWriteSync(Uint8Array.of(65, 66))).toBe(2)
    expect([memory.load8(1024), memory.load8(1025), memory.load(3084 / 4)]).toEqual([65, 66, 2])
    memory.store8(0, 90)
    memory.storeOrdered(3076 / 4, 1)
    expect([...(await take(console.readable, 1))]).toEqual([90])
    expect(memory.load(3072 / 4)).toBe(1)
  })
})

describe('rule 58: a full ring', () => {
  test('is never written over: the write waits until the backend has made room, and nothing is lost', async () => {
    const { memory, frontend, backend } = guestMachine()
    const console = frontend()
    const sent = pattern(CONSOLE_OUT_BYTES + 1)
    const writer = console.writable.getWriter()
    let done = false
    const write = writer.write(sent).then(() => {
      done = true
    })
    await settle()
    expect(done).toBe(false)
    expect(indexOf(memory, 'outProd') - indexOf(memory, 'outCons')).toBe(CONSOLE_OUT_BYTES)
    expect(console.tryWriteSync(Uint8Array.of(1))).toBe(0)
    const served = backend()
    await write
    await settle()
    expect(served.log.bytes()).toEqual(sent)
  })

  test('holds the stream’s producer back: only one chunk is under way', async () => {
    const { frontend } = guestMachine()
    const writer = frontend().writable.getWriter()
    writer.write(new Uint8Array(CONSOLE_OUT_BYTES + 1))
    await settle()
    expect(writer.desiredSize).toBe(0)
  })

  test('the frontend notifies after reading as well, so that a writer that waits goes on', async () => {
    const { frontend, backend, memory } = guestMachine()
    const console = frontend()
    const typed = pattern(5 * CONSOLE_IN_BYTES + 3)
    const writer = backend().attachWriter().writable.getWriter()
    const write = writer.write(typed)
    await settle()
    expect(indexOf(memory, 'inProd')).toBe(CONSOLE_IN_BYTES)
    expect(await take(console.readable, typed.length)).toEqual(typed)
    await write
  })
})

describe('both ends', () => {
  test.each(interestingIndices.map((index) => ({ index, kib: index === 2 ** 32 - 2 ? 1024 : 64 })))(
    '$kib KiB each way, byte for byte, with indices from $index',
    async ({ index, kib }) => {
      const { memory, frontend, backend } = guestMachine()
      seedIndices(memory, index, index)
      const console = frontend()
      const served = backend()
      const [out, typed] = [pattern(kib << 10, 1), pattern(kib << 10, 2)]
      const reading = take(served.attachReader().readable, out.length)
      const typing = served.attachWriter().writable.getWriter().write(typed)
      const writing = console.writable.getWriter().write(out)
      expect((await take(console.readable, typed.length)).every((byte, i) => byte === typed[i])).toBe(true)
      await Promise.all([writing, typing])
      expect((await reading).every((byte, i) => byte === out[i])).toBe(true)
    },
  )

  test('any chunks from any index, written by streams, lines and at once', async () => {
    const chunk = fc.tuple(fc.constantFrom('stream', 'sync'), fc.integer({ min: 0, max: 3000 }))
    const index = fc.oneof(fc.constantFrom(...interestingIndices), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 8 }), index, index, async (chunks, inIndex, outIndex) => {
        const { memory, frontend, backend } = guestMachine()
        seedIndices(memory, inIndex, outIndex)
        const console = frontend()
        const served = backend()
        const writer = console.writable.getWriter()
        const sent: number[] = []
        for (const [how, length] of chunks) {
          const bytes = pattern(length, sent.length)
          if (how === 'stream') {
            await writer.write(bytes)
            sent.push(...bytes)
          } else sent.push(...bytes.subarray(0, console.tryWriteSync(bytes)))
        }
        await settle()
        expect(Array.from(served.log.bytes())).toEqual(sent)
      }),
      { numRuns: 40 },
    )
  })

  test('lines of a page each: output beyond 2048 bytes does not hang', async () => {
    const { frontend, backend } = guestMachine()
    const console = frontend()
    const served = backend()
    for (let i = 0; i < 20; i++) await console.line(`${i} ${'.'.repeat(4096)}`)
    await settle()
    expect(served.log.byteLength).toBe(20 * (4096 + 4) + 10)
  })
})

describe('line', () => {
  test('ends in CR LF, and so does each line inside it; a CR of its own stays', async () => {
    const { frontend, backend } = guestMachine()
    const console = frontend()
    const served = backend()
    await console.line('one\ntwo\r\nthree\rfour')
    await console.line('')
    await settle()
    expect(decode(served.log.bytes())).toBe('one\r\ntwo\r\nthree\rfour\r\n\r\n')
  })

  test('goes out while the stream has a writer, and after the stream was aborted', async () => {
    const { frontend, backend } = guestMachine()
    const console = frontend()
    const writer = console.writable.getWriter()
    const stuck = writer.write(new Uint8Array(3000))
    await settle()
    const line = console.line('after all')
    await settle()
    const aborting = writer.abort('enough')
    await expect(stuck).rejects.toThrow()
    await aborting
    const served = backend()
    await line
    await settle()
    expect(decode(served.log.bytes().subarray(CONSOLE_OUT_BYTES))).toBe('after all\r\n')
  })
})

describe('R2: indices of a hostile backend', () => {
  test.each([
    ['inProd', 1025],
    ['inProd', 2 ** 31],
    ['inProd', 2 ** 32 - 1],
    ['outCons', 1],
    ['outCons', 2 ** 31],
  ] as const)('%s = %i: the device fails, its streams with it; nothing is thrown', async (index, value) => {
    const { machine, dom0, guest, port, memory, frontend } = guestMachine()
    const console = frontend()
    const bound = dom0.events.bindInterdomain(guest.domid, port)
    const faults: string[] = []
    console.on('error', (error) => faults.push(error.code))
    console.on('closed', (reason) => faults.push(`closed: ${reason?.code}`))
    const reading = console.readable.getReader().read()
    const writer = console.writable.getWriter()
    for (const promise of [reading, writer.closed]) promise.catch(() => {})
    await settle()
    forge(memory, index, value)
    dom0.events.notify(bound)
    await settle()
    const all = [reading, console.line('x'), writer.write(Uint8Array.of(1)), writer.closed]
    for (const outcome of await Promise.allSettled(all))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'BYTE_RING_BAD_INDICES' } })
    expect(faults).toEqual(['BYTE_RING_BAD_INDICES', 'closed: BYTE_RING_BAD_INDICES'])
    expect(console.tryWriteSync(Uint8Array.of(1))).toBe(0)
    await console.close()
    dom0.events.unbind(bound)
    expect(machine.ledger()).toEqual([])
  })

  test('are noticed though nobody reads the input: a line that waits for room fails in place of waiting for ever', async () => {
    const { memory, frontend } = guestMachine()
    const console = frontend()
    console.tryWriteSync(new Uint8Array(CONSOLE_OUT_BYTES))
    forge(memory, 'outCons', 1 << 20)
    await expect(console.line('x')).rejects.toMatchObject({ code: 'BYTE_RING_BAD_INDICES' })
  })

  test('random words in the whole page end no wait, throw nothing and write to no place but "out" and its indices', () => {
    const { frontend, memory } = guestMachine()
    const console = frontend()
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (outCons, outProd) => {
        forge(memory, 'outCons', outCons)
        forge(memory, 'outProd', outProd)
        const before = memory.bytes(0, 1024).slice()
        const stored = console.tryWriteSync(pattern(4096))
        expect(stored).toBeLessThanOrEqual(CONSOLE_OUT_BYTES)
        expect(memory.bytes(0, 1024)).toEqual(before)
      }),
    )
  })
})

describe('close', () => {
  test('reading ends, what still waits fails with CLOSED, what is in the ring stays, nothing is left open', async () => {
    const { machine, memory, frontend } = guestMachine()
    const console = frontend()
    const reading = console.readable.getReader().read()
    const writer = console.writable.getWriter()
    const writing = writer.write(new Uint8Array(2049))
    await settle()
    const line = console.line('late')
    await settle()
    await console.close()
    await console.close()
    expect(await reading).toEqual({ done: true, value: undefined })
    for (const outcome of await Promise.allSettled([writing, line, writer.closed]))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
    await expect(console.line('later')).rejects.toMatchObject({ code: 'CLOSED' })
    expect(indexOf(memory, 'outProd')).toBe(2048)
    expect(machine.ledger()).toEqual([])
  })

  test('closing the stream of output alone leaves the console at work', async () => {
    const { frontend, backend } = guestMachine()
    const console = frontend()
    const served = backend()
    await console.writable.close()
    await console.line('still here')
    await settle()
    expect(decode(served.log.bytes())).toBe('still here\r\n')
  })
})

test('nothing is taken from the ring before the reader asks for it', async () => {
  const { frontend, backend, memory } = guestMachine()
  const console = frontend()
  const writer = backend().attachWriter().writable.getWriter()
  await writer.write(pattern(100))
  await settle()
  expect(indexOf(memory, 'inCons')).toBe(0)
  expect((await take(console.readable, 100)).length).toBe(100)
})
