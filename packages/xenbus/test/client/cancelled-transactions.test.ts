import { toText, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { connect, mine, typesOf } from './scripted-connection.js'
import type { ScriptedServer } from './scripted-server.js'

describe('a transaction that was given up', () => {
  const endsOf = ({ requests }: ScriptedServer): [number, string][] =>
    requests.filter(({ type }) => type === XenStoreOp.TransactionEnd).map(({ txId, body }) => [txId, toText(body)])

  it('while it starts, is ended with "F" once the server tells its number', async () => {
    const { client, server, control, signal } = connect()
    let runs = 0
    const transaction = client.transaction(async () => void runs++, { signal })
    await settle()
    control.abort(mine)
    await expect(transaction).rejects.toBe(mine)
    await settle()
    expect(endsOf(server)).toEqual([])
    server.reply(server.requests[0]!, '77\0')
    await settle()
    expect(endsOf(server)).toEqual([[77, 'F\0']])
    server.reply(server.last)
    await settle()
    expect([runs, client.outstanding]).toEqual([0, 0])
  })

  it('while its body waits for the server, is ended with "F"', async () => {
    const { client, server, control, signal } = connect()
    server.answer = (request) => {
      if (request.type === XenStoreOp.TransactionStart) server.reply(request, '5\0')
    }
    let inside: unknown
    const transaction = client.transaction(
      (t) =>
        t.read('a').catch((error: unknown) => {
          inside = error
          throw error
        }),
      { signal },
    )
    await settle()
    control.abort(mine)
    await expect(transaction).rejects.toBe(mine)
    expect(inside).toBe(mine)
    await settle()
    expect(endsOf(server)).toEqual([[5, 'F\0']])
  })

  it('while its body waits for something else, is ended with "F" at once, and the body asks no more', async () => {
    const { client, server, control, signal } = connect()
    server.answer = (request) => {
      if (request.type === XenStoreOp.TransactionStart) server.reply(request, '5\0')
    }
    let goOn = (): void => undefined
    let inside: unknown
    const transaction = client.transaction(
      async (t) => {
        await new Promise<void>((resolve) => {
          goOn = resolve
        })
        await t.write('a', '1').catch((error: unknown) => {
          inside = error
        })
      },
      { signal },
    )
    await settle()
    control.abort(mine)
    await expect(transaction).rejects.toBe(mine)
    goOn()
    await settle()
    expect(inside).toBe(mine)
    expect(typesOf(server.requests)).toEqual([XenStoreOp.TransactionStart, XenStoreOp.TransactionEnd])
    expect(endsOf(server)).toEqual([[5, 'F\0']])
  })

  it('before its commit went out, is ended with "F"', async () => {
    const { client, server, control, signal } = connect()
    server.answer = (request) => server.reply(request, '5\0')
    const transaction = client.transaction(async () => control.abort(mine), { signal })
    await expect(transaction).rejects.toBe(mine)
    await settle()
    expect(endsOf(server)).toEqual([[5, 'F\0']])
  })

  it('at any moment around its commit, is ended exactly once', async () => {
    const seen = new Set<string>()
    for (let ticks = 0; ticks < 16; ticks++) {
      const { client, server, control, signal } = connect()
      server.answer = (request) => server.reply(request, '5\0')
      const abortIn = (left: number): void => (left > 0 ? queueMicrotask(() => abortIn(left - 1)) : control.abort(mine))
      const transaction = client.transaction(async () => abortIn(ticks), { signal })
      const outcome = await transaction.then(
        () => 'done',
        () => 'given up',
      )
      await settle()
      const [[, end], ...more] = endsOf(server) as [[number, string]]
      expect(more).toEqual([])
      seen.add(`${outcome} ${end}`)
    }
    expect([...seen].sort()).toEqual(['done T\0', 'given up F\0', 'given up T\0'])
  })

  it('with its commit in the queue, takes the commit back', async () => {
    const { client, server, control, signal } = connect(20)
    server.answer = (request) => server.reply(request, '5\0')
    let filling: Promise<unknown> | undefined
    const transaction = client.transaction(
      async () => {
        filling = client.read('a-path-longer-than-the-channel-holds')
        queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => control.abort(mine))))
      },
      { signal },
    )
    await expect(transaction).rejects.toBe(mine)
    await filling
    await settle()
    expect(endsOf(server)).toEqual([[5, 'F\0']])
  })

  it('with its commit under way, rejects, and sends nothing more', async () => {
    const { client, server, control, signal } = connect()
    server.answer = (request) => {
      if (request.type === XenStoreOp.TransactionStart) server.reply(request, '5\0')
    }
    const transaction = client.transaction(async () => 1, { signal })
    await settle()
    control.abort(mine)
    await expect(transaction).rejects.toBe(mine)
    await settle()
    expect(endsOf(server)).toEqual([[5, 'T\0']])
  })
})
