import { SystemCallError } from '@split-driver/privcmd'
import { encodeMessage, MessageReader, toText, XenStoreClient, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { DeviceNode } from '../src/device-node.js'
import { XenbusDeviceChannel } from '../src/xenbus-device-channel.js'
import { ScriptedCalls } from './support/scripted-calls.js'

const text = (value: string) => new TextEncoder().encode(value)

const request = (reqId: number, body: Uint8Array = text('path\0')) =>
  encodeMessage({ type: XenStoreOp.Read, reqId, txId: 0, body })

const reply = (reqId: number, value = 'v') =>
  encodeMessage({ type: XenStoreOp.Read, reqId, txId: 0, body: text(value) })

const event = () => encodeMessage({ type: XenStoreOp.WatchEvent, reqId: 0, txId: 0, body: text('path\0token\0') })

const open = () => {
  const calls = new ScriptedCalls()
  const node = DeviceNode.open(calls, '/dev/xen/xenbus', (_, error) => error)
  const channel = new XenbusDeviceChannel(node)
  calls.take()
  return { calls, channel, reader: new MessageReader(channel) }
}

const written = (...bytes: readonly Uint8Array[]) => bytes.map((each) => `write ${Buffer.from(each).toString('hex')}`)

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('requests', () => {
  it('the kernel gets one whole message a write, however the bytes come', () => {
    const { calls, channel } = open()
    const bytes = request(1)
    for (const byte of bytes.subarray(0, -1)) expect(channel.send(Uint8Array.of(byte))).toBe(1)
    expect(calls.take()).toEqual([])
    channel.send(bytes.subarray(-1))
    expect(calls.take()).toEqual(written(bytes))
  })

  it('a request waits until the one before it has its reply; a watch event is none', async () => {
    const { calls, channel, reader } = open()
    let ready = 0
    channel.onReady(() => ready++)
    await nextTurn()
    const both = new Uint8Array([...request(1), ...request(2)])
    expect(channel.send(both)).toBe(request(1).length)
    expect(channel.send(request(2))).toBe(0)
    expect(calls.take()).toEqual(written(request(1)))
    calls.reads.push(event())
    expect(reader.next()?.type).toBe(XenStoreOp.WatchEvent)
    expect(channel.send(request(2))).toBe(0)
    const before = ready
    calls.reads.push(reply(1))
    expect(reader.next()?.reqId).toBe(1)
    await nextTurn()
    expect(ready).toBe(before + 1)
    expect(channel.send(request(2))).toBe(request(2).length)
    expect(calls.take()).toEqual(written(request(2)))
  })
})

describe('refusals', () => {
  it('what the kernel refuses by an error of write is answered by that error', () => {
    const { calls, channel, reader } = open()
    calls.writeFailure = new SystemCallError('write', 'EINVAL')
    channel.send(request(7))
    const message = reader.next()!
    expect([message.type, message.reqId, toText(message.body)]).toEqual([XenStoreOp.Error, 7, 'EINVAL\0'])
    calls.writeFailure = undefined
    expect(channel.send(request(8))).toBe(request(8).length)
  })

  it('a message beyond the kernel’s buffer never gets there; the next one does', () => {
    const { calls, channel, reader } = open()
    const large = request(7, new Uint8Array(4081))
    expect(channel.send(large.subarray(0, 100))).toBe(100)
    expect(channel.send(large.subarray(100))).toBe(large.length - 100)
    expect(toText(reader.next()!.body)).toBe('E2BIG\0')
    const fits = request(8, new Uint8Array(4080))
    channel.send(fits)
    expect(calls.take()).toEqual(written(fits))
  })

  it('a refusal waits for the end of a message that the kernel has begun', () => {
    const { calls, channel, reader } = open()
    const first = event()
    calls.reads.push(first.subarray(0, 20))
    expect(reader.next()).toBeUndefined()
    channel.send(request(7, new Uint8Array(4081)))
    calls.reads.push(first.subarray(20))
    expect([reader.next()?.type, reader.next()?.type]).toEqual([XenStoreOp.WatchEvent, XenStoreOp.Error])
  })

  it('the client above hears of it as of any error', async () => {
    const { calls, channel } = open()
    const store = new XenStoreClient(channel)
    calls.writeFailure = new SystemCallError('write', 'ENOSPC')
    await expect(store.read('a')).rejects.toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    await expect(store.write('a', new Uint8Array(4090))).rejects.toThrow(expect.objectContaining({ code: 'E2BIG' }))
    store.close()
    expect(calls.openFds.size).toBe(0)
  })
})

describe('the end', () => {
  it('a node that cannot be read is closed, and its owner told', async () => {
    const { calls, channel } = open()
    let ready = 0
    channel.onReady(() => ready++)
    calls.reads.push(new SystemCallError('read', 'EIO'))
    expect(channel.receive(new Uint8Array(16))).toBe(0)
    expect([channel.closed, ready, calls.openFds.size, calls.readable]).toEqual([true, 1, 0, undefined])
    channel.close()
    expect(channel.send(request(1))).toBe(0)
  })
})
