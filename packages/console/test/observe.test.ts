import { changes$, output$ } from '@split-driver/console'
import { firstValueFrom, map, scan, takeWhile, toArray } from 'rxjs'
import { expect, test } from 'vitest'
import { host } from './support/console-host.js'
import { guestMachine, settle } from './support/console-pair.js'

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test('output as an Observable: every subscriber gets all of it, and the end when the domain has gone', async () => {
  const { frontend, backend } = guestMachine()
  const console = frontend()
  const served = backend()
  const text = output$(served).pipe(
    map(decode),
    scan((all, chunk) => all + chunk, ''),
  )
  const seen = [firstValueFrom(text.pipe(toArray())), firstValueFrom(text.pipe(toArray()))]
  const early = firstValueFrom(
    text.pipe(
      takeWhile((all) => !all.includes('two'), true),
      toArray(),
    ),
  )
  for (const line of ['one', 'two', 'three']) {
    await console.line(line)
    await settle()
  }
  expect((await early).at(-1)).toBe('one\r\ntwo\r\n')
  served.close()
  for (const all of await Promise.all(seen)) expect(all.at(-1)).toBe('one\r\ntwo\r\nthree\r\n')
})

test('unsubscribing detaches', async () => {
  const { frontend, backend } = guestMachine()
  const console = frontend()
  const served = backend()
  const seen: string[] = []
  const subscription = output$(served).subscribe((bytes) => seen.push(decode(bytes)))
  await console.line('one')
  await settle()
  subscription.unsubscribe()
  await console.line('two')
  await settle()
  expect(seen).toEqual(['one\r\n'])
})

test('a daemon as an Observable: who is served now, what changes, and whose console fails', async () => {
  const { daemon, before, build, end } = await host()
  const seen: string[] = []
  const subscription = changes$(daemon).subscribe(({ kind, domid }) => seen.push(`${kind} ${domid}`))
  const bad = await build({ port: 0 })
  const good = await build()
  await settle()
  await end(good)
  await settle()
  subscription.unsubscribe()
  await daemon.close()
  expect(new Set(seen)).toEqual(
    new Set([`connect ${before.domid}`, `error ${bad.domid}`, `connect ${good.domid}`, `disconnect ${good.domid}`]),
  )
})
