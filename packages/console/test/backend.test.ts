import { CONSOLE_IN_BYTES, CONSOLE_OUT_BYTES } from '@split-driver/console'
import { describe, expect, test, vi } from 'vitest'
import { forge, guestMachine, indexOf, noPort, pattern, settle, take } from './support/console-pair.js'

const encode = (text: string) => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe('the log', () => {
  test('keeps the last bytes up to its limit and counts what it dropped', async () => {
    const { frontend, backend } = guestMachine()
    const served = backend({ logBytes: 5000 })
    const sent = pattern(20_000)
    await frontend().writable.getWriter().write(sent)
    await settle()
    expect(served.log.bytes()).toEqual(sent.subarray(15_000))
    expect(served.log.start).toBe(15_000)
  })

  test('holds what was written before the backend came', async () => {
    const { frontend, backend } = guestMachine()
    await frontend().line('early')
    const served = backend()
    await settle()
    expect(decode(served.log.bytes())).toBe('early\r\n')
  })

  test('holds the last words of a guest that died before they were served', async () => {
    const { machine, frontend, backend } = guestMachine()
    const console = frontend()
    const served = backend()
    await settle()
    console.tryWriteSync(encode('panic: out of luck'))
    served.close()
    expect(decode(served.log.bytes())).toBe('panic: out of luck')
    await console.close()
    expect(machine.ledger()).toEqual([])
  })
})

describe('readers', () => {
  test('each of many follows by itself; history is there for who wants it', async () => {
    const { frontend, backend } = guestMachine()
    const console = frontend()
    const served = backend()
    await console.line('one')
    await settle()
    const readers = [served.attachReader(), served.attachReader({ history: false }), served.attachReader()]
    await console.line('two')
    await settle()
    served.close()
    const texts = readers.map(async (reader) => {
      let text = ''
      for await (const bytes of reader) text += decode(bytes)
      return text
    })
    expect(await Promise.all(texts)).toEqual(['one\r\ntwo\r\n', 'two\r\n', 'one\r\ntwo\r\n'])
  })

  test('C2: one that does not read stalls nobody, takes no memory, and learns how much it missed', async () => {
    const { frontend, backend } = guestMachine()
    const served = backend({ logBytes: 4096 })
    const slow = served.attachReader()
    const first = take(served.attachReader().readable, 100_000)
    await frontend().writable.getWriter().write(pattern(100_000))
    await first
    expect(slow.droppedBytes).toBe(100_000 - 4096)
    expect(await take(slow.readable, 4096)).toEqual(pattern(100_000).subarray(-4096))
    expect(slow.droppedBytes).toBe(100_000 - 4096)
    expect(served.log.capacityBytes).toBe(4096)
  })

  test('detach ends the stream at once and for good; so does cancelling it', async () => {
    const { frontend, backend } = guestMachine()
    const console = frontend()
    const served = backend()
    await console.line('seen by nobody')
    await settle()
    const detached = served.attachReader()
    const cancelled = served.attachReader()
    detached.detach()
    detached.detach()
    await cancelled.readable.cancel()
    await console.line('nor this')
    await settle()
    expect(await detached.readable.getReader().read()).toEqual({ done: true, value: undefined })
  })

  test('one that comes after the end still gets the log, and then the end', async () => {
    const { frontend, backend } = guestMachine()
    const served = backend()
    await frontend().line('it was')
    await settle()
    served.close()
    let text = ''
    for await (const bytes of served.attachReader()) text += decode(bytes)
    expect(text).toBe('it was\r\n')
  })
})

describe('the writer', () => {
  test('there is one at a time: EBUSY; when it lets go, another may come', () => {
    const { backend } = guestMachine()
    const served = backend()
    const writer = served.attachWriter()
    expect(() => served.attachWriter()).toThrow(/EBUSY/)
    writer.detach()
    writer.detach()
    served.attachWriter()[Symbol.dispose]()
    served.close()
    expect(() => served.attachWriter()).toThrow(/CLOSED/)
  })

  test('a guest that does not read holds it back and loses nothing; detaching gives up what still waits', async () => {
    const { backend, frontend, memory } = guestMachine()
    const served = backend()
    const writer = served.attachWriter()
    const stream = writer.writable.getWriter()
    stream.closed.catch(() => {})
    const typing = stream.write(pattern(3000))
    const queued = stream.write(pattern(10))
    await settle()
    expect(indexOf(memory, 'inProd')).toBe(CONSOLE_IN_BYTES)
    expect(stream.desiredSize).toBeLessThanOrEqual(0)
    writer.detach()
    for (const outcome of await Promise.allSettled([typing, queued]))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } })
    const next = served.attachWriter().writable.getWriter().write(encode('!'))
    const read = await take(frontend().readable, CONSOLE_IN_BYTES + 1)
    await next
    expect(read.subarray(0, CONSOLE_IN_BYTES)).toEqual(pattern(3000).subarray(0, CONSOLE_IN_BYTES))
    expect(read[CONSOLE_IN_BYTES]).toBe(encode('!')[0])
  })

  test('closing its stream makes room for the next writer', async () => {
    const { backend } = guestMachine()
    const served = backend()
    const stream = served.attachWriter().writable.getWriter()
    await stream.write(encode('ls\r'))
    await stream.close()
    expect(() => served.attachWriter()).not.toThrow()
  })
})

describe('rule 58, R2: indices of a hostile guest', () => {
  test.each([CONSOLE_OUT_BYTES + 1, 2 ** 31, 2 ** 32 - 1])('%i bytes ahead: ignored, and told once', async (ahead) => {
    const { backend, frontend, memory, guest, port } = guestMachine()
    const console = frontend()
    const served = backend()
    const faults: string[] = []
    served.on('error', (error) => faults.push(error.code))
    await settle()
    forge(memory, 'outProd', ahead)
    for (let i = 0; i < 3; i++) {
      guest.events.notify(port)
      await settle()
    }
    expect([served.log.end, indexOf(memory, 'outCons')]).toEqual([0, 0])
    expect(faults).toEqual(['BYTE_RING_BAD_INDICES'])
    forge(memory, 'outProd', 0)
    guest.events.notify(port)
    await settle()
    await console.line('sane again')
    // Its events without a reason have made us slower to listen.
    await vi.waitFor(() => expect(decode(served.log.bytes())).toBe('sane again\r\n'))
  })

  test('a forged in_cons takes no input and holds nothing else up', async () => {
    const { backend, guest, port, memory } = guestMachine()
    const served = backend()
    const faults: string[] = []
    served.on('error', (error) => faults.push(error.code))
    forge(memory, 'inCons', 1)
    const typing = served.attachWriter().writable.getWriter().write(encode('rm -rf'))
    await settle()
    expect(indexOf(memory, 'inProd')).toBe(0)
    expect(faults).toEqual(['BYTE_RING_BAD_INDICES'])
    forge(memory, 'inCons', 0)
    guest.events.notify(port)
    await typing
    expect(indexOf(memory, 'inProd')).toBe(6)
  })
})

describe('what is opened is closed', () => {
  test('a port that is not offered to us: EINVAL, and the page is not left mapped', () => {
    const { backend, machine } = guestMachine()
    expect(() => backend({ remotePort: noPort })).toThrow(/EINVAL/)
    expect(machine.ledger()).toEqual([])
  })

  test('close lets go of port and page; the guest’s end waits for the next backend', async () => {
    const { backend, machine, frontend } = guestMachine()
    const console = frontend()
    const first = backend()
    await settle()
    first.close()
    first.close()
    expect(machine.ledger()).toEqual([])
    await console.line('is anybody there')
    const second = backend()
    await settle()
    expect(decode(second.log.bytes())).toBe('is anybody there\r\n')
  })

  test('the guest’s death in the middle of output leaves nothing open', async () => {
    const { backend, machine, frontend, guest } = guestMachine()
    const stuck = frontend().writable.getWriter().write(pattern(10_000))
    stuck.catch(() => {})
    await settle()
    const served = backend()
    const writer = served.attachWriter().writable.getWriter()
    for (const promise of [writer.closed, writer.write(pattern(5000))]) promise.catch(() => {})
    machine.calls.domains.kill(guest.domid)
    guest.revoke()
    machine.calls.domains.reap(guest.domid)
    served.close()
    expect(machine.ledger()).toEqual([])
    expect(served.log.bytes()).toEqual(pattern(10_000).subarray(0, CONSOLE_OUT_BYTES))
  })
})

test('C2: 8 MiB of hostile output: capped, every byte accounted for', async () => {
  const { frontend, backend } = guestMachine()
  const served = backend({ logBytes: 65_536 })
  const slow = served.attachReader()
  const flood = encode('\x1b[2J\x1b]0;owned\x07\0\x9b'.repeat(64))
  const writer = frontend().writable.getWriter()
  let sent = 0
  for (; sent < 8 << 20; sent += flood.length) await writer.write(flood)
  await settle()
  expect([served.log.end, served.log.byteLength, served.log.capacityBytes]).toEqual([sent, 65_536, 65_536])
  expect(slow.droppedBytes).toBe(sent - 65_536)
})
