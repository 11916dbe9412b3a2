import { openSync, readFileSync } from 'node:fs'
import { ProcessLog } from '@split-driver/cli'
import { Machine } from '@split-driver/emulator'
import { expect, test } from 'vitest'
import { ScratchFolder } from '../support/scratch-folder.js'

/** What a log writes of one event with a guest's own words in it. */
const written = async (json: boolean): Promise<string> => {
  using folder = new ScratchFolder()
  const fd = openSync(folder.file('log'), 'w')
  {
    const { clock } = Machine.create({ memoryMiB: 1, maxDomains: 1 })
    await using processLog = new ProcessLog({ level: 'info', json, fd, clock })
    processLog.log.debug({ domid: 1 }, 'not said at this level')
    processLog.log.warn(
      { event: 'x', domid: 1, path: 'a/b', what: 'two words' },
      'it said "\u001b[2J\u009b31m\n"\u007f',
    )
  }
  return readFileSync(folder.file('log'), 'utf8')
}

test('C2: a line of text shows a guest’s control characters instead of obeying them', async () => {
  expect(await written(false)).toMatch(
    /^\S+Z warn {2}it said "\\u001b\[2J\\u009b31m\\u000a"\\u007f event=x domid=1 path=a\/b what="two words"\n$/,
  )
})

test('C2: a line of JSON does, too, and is still JSON', async () => {
  const text = await written(true)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none but the line's end may be there
  expect(text).toMatch(/^[^\u0000-\u001f\u007f-\u009f]+\n$/)
  const { time, ...rest } = JSON.parse(text) as Record<string, unknown>
  expect(Number.isNaN(Date.parse(String(time)))).toBe(false)
  const msg = 'it said "\u001b[2J\u009b31m\n"\u007f'
  expect(rest).toEqual({ level: 'warn', event: 'x', domid: 1, path: 'a/b', what: 'two words', msg })
})
