import { mkdtempSync } from 'node:fs'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withCacheLock } from '../src/cache-lock.js'

const onLinux = it.skipIf(platform() !== 'linux')
const never = () => expect.unreachable('it need not wait')
const freshFolder = () => mkdtempSync(join(tmpdir(), 'lock-'))

onLinux('the second waits until the first is done, and says that it waits', async () => {
  const folder = freshFolder()
  const order: string[] = []
  let second: Promise<unknown> = Promise.resolve()
  await withCacheLock(folder, never, async () => {
    await new Promise<void>((resolve) => {
      const onWait = () => {
        order.push('second waits')
        resolve()
      }
      second = withCacheLock(folder, onWait, async () => order.push('second'))
    })
    order.push('first')
  })
  await second
  expect(order).toEqual(['second waits', 'first', 'second'])
})

onLinux('work that fails frees it', async () => {
  const folder = freshFolder()
  const work = withCacheLock(folder, never, () => Promise.reject(new Error('failed')))
  await expect(work).rejects.toThrow('failed')
  expect(await withCacheLock(folder, never, async () => 'free')).toBe('free')
})
