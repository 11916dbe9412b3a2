import { describe, expect, test } from 'vitest'
import { judgeFlushes } from '../../src/dom0/block/check-durability.js'
import { parseTrace } from '../../src/dom0/system-call-trace.js'

/** As strace 6.1 writes it; the delay of 0.4 s is not in the call's own time. */
const WRITE = '70 100.000000 pwrite64(0x17, 0x7f1200000000, 0x1000, 0x7000) = 0x1000 <0.000400>'
const NOTIFY_WRITE = '70 100.001000 ioctl(0x14, 0x44504, 0x7ffd0000) = 0 <0.000050>'
const SYNC = '75 100.010000 fdatasync(0x17) = 0 (DELAYED) <0.000800>'
const NOTIFY_SYNC = '70 100.420000 ioctl(0x14, 0x44504, 0x7ffd0000) = 0 <0.000050>'

const judge = (...lines: readonly string[]) => judgeFlushes(parseTrace(lines.join('\n')), 1, 0.4)

describe('the order of a flush in a trace', () => {
  test('data, fdatasync, and then the notification: as it must be', () => {
    expect(() => judge(WRITE, NOTIFY_WRITE, SYNC, NOTIFY_SYNC)).not.toThrow()
  })

  test('a notification while fdatasync is held back is seen', () => {
    const early = NOTIFY_SYNC.replace('100.420000', '100.100000')
    expect(() => judge(WRITE, NOTIFY_WRITE, SYNC, early)).toThrow('notified before fdatasync had returned')
  })

  test('fdatasync that did not wait for the data is seen', () => {
    const slow = WRITE.replace('<0.000400>', '<0.020000>')
    expect(() => judge(slow, NOTIFY_WRITE, SYNC, NOTIFY_SYNC)).toThrow('ended after fdatasync began')
  })

  test('fdatasync that failed, or of which the guest is not told, is seen', () => {
    const failed = SYNC.replace('= 0 (DELAYED)', '= -1 EIO (Input/output error) (DELAYED)')
    expect(() => judge(WRITE, failed, NOTIFY_SYNC)).toThrow()
    expect(() => judge(WRITE, SYNC)).toThrow('not notified')
    expect(() => judge(WRITE, SYNC, WRITE.replace('100.0', '101.0'))).toThrow('not notified')
  })

  test('a flush without any fdatasync is seen', () => {
    expect(() => judge(WRITE, NOTIFY_WRITE)).toThrow('0 calls of fdatasync')
  })
})

test('a call that another thread interrupts is told in two lines, and is one', () => {
  const calls = parseTrace(
    [
      '75 100.010000 fdatasync(0x17 <unfinished ...>',
      NOTIFY_SYNC,
      '75 100.500000 <... fdatasync resumed>) = 0 (DELAYED) <0.090000>',
      '+++ exited with 0 +++',
    ].join('\n'),
  )
  expect(calls.map(({ name, text, start, end }) => [name, text, start, end])).toEqual([
    ['fdatasync', '(0x17) = 0 (DELAYED)', 100.01, 100.01 + 0.09],
    ['ioctl', '(0x14, 0x44504, 0x7ffd0000) = 0', 100.42, 100.42 + 0.00005],
  ])
})
