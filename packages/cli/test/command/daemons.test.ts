import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RunningCommand } from '../support/command.js'
import { ScratchFolder } from '../support/scratch-folder.js'

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
  writeFileSync(folder.file('root.img'), new Uint8Array(1 << 20))
  configure({ images: { root: { file: 'root.img' } } })
})
afterEach(() => folder[Symbol.dispose]())

const configure = (config: object): void => writeFileSync(folder.file('blkback.json'), JSON.stringify(config))
const blkback = (...more: string[]) =>
  RunningCommand.emulated(['blkback', '--config', folder.file('blkback.json'), ...more])

/** Has the guest's first write reached the image? It is told of the disk before it writes. */
const written = (): boolean => readFileSync(folder.file('root.img'))[0] === 1

// biome-ignore lint/suspicious/noControlCharactersInRegex: that very key
const CTRL_C_ANSWERED = /you typed \u0003/

/** What the program says last. */
const outcome = (stdout: string): unknown => JSON.parse(stdout.trim().split('\n').at(-1)!)

describe('split-driver blkback over an emulated machine', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('ends in order on %s in the middle of I/O: exit code 0', async (signal) => {
    using daemon = blkback()
    await daemon.said('stdout', /^ready$/m)
    await daemon.said('stderr', /the guest uses its disk/)
    await expect.poll(written).toBe(true)
    daemon.child.kill(signal)
    const { code, stdout, stderr } = await daemon.ended()
    expect(outcome(stdout)).toEqual({ code: 0, held: [] })
    expect(code).toBe(0)
    expect(readFileSync(folder.file('root.img')).subarray(0, 4096)).toEqual(Buffer.alloc(4096, 1))
    const lines = stderr.trim().split('\n')
    const time = '\\d{4}-\\d\\d-\\d\\dT\\S+Z'
    expect(lines.some((line) => new RegExp(`^${time} info  ready event=ready$`).test(line))).toBe(true)
    expect(lines.find((line) => line.includes('event=connect'))).toMatch(
      /domid=1 device=xvda path=backend\/vbd\/1\/51712 image=\S+root.img bytes=1048576 readOnly=false$/,
    )
    expect(lines.find((line) => line.includes('event=disconnect'))).toMatch(/ writes=[1-9]\d* .* errors=0$/)
    expect(lines.at(-1)).toMatch(/info {2}stopped event=stopped$/)
  })

  test('with --json, logs lines of JSON with domid and device', async () => {
    using daemon = blkback('--json')
    await daemon.said('stderr', /"event":"connect"/)
    daemon.child.kill('SIGTERM')
    const { stderr } = await daemon.ended()
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const connect = lines.find(({ event }) => event === 'connect')
    expect(connect).toMatchObject({ level: 'info', domid: 1, device: 'xvda', image: folder.file('root.img') })
    expect(lines.map(({ event }) => event)).toEqual(['ready', 'connect', 'stop', 'disconnect', 'stopped'])
  })

  test('reads its configuration again on SIGHUP, and keeps the one it has if the new one makes no sense', async () => {
    using daemon = blkback()
    await daemon.said('stderr', /the guest uses its disk/)
    configure({ images: {} })
    daemon.child.kill('SIGHUP')
    await daemon.said('stderr', /error kept the configuration: .*blkback.json:1: no guest could be given a disk/)
    configure({ images: { other: { file: 'root.img' } } })
    daemon.child.kill('SIGHUP')
    await daemon.said('stderr', /info {2}read the configuration again/)
    daemon.child.kill('SIGTERM')
    expect((await daemon.ended()).code).toBe(0)
  })

  test('does not mind that nobody reads its standard output', async () => {
    using daemon = blkback()
    daemon.child.stdout.destroy()
    await daemon.said('stderr', /the guest uses its disk/)
    daemon.child.kill('SIGTERM')
    expect((await daemon.ended()).code).toBe(0)
  })
})

describe('split-driver consoled and console over an emulated machine', () => {
  const consoled = () =>
    RunningCommand.emulated(['consoled', '--socket-dir', folder.path, '--log-dir', folder.file('logs')])

  test('what is typed at one reaches the guest of the other, and the log', async () => {
    using daemon = consoled()
    await daemon.said('stdout', /^ready$/m)
    using terminal = RunningCommand.bin(['console', '1', '--socket-dir', folder.path])
    terminal.child.stdin.write('hello\u001b[31m')
    await terminal.said('stdout', /you typed hello/)

    using second = RunningCommand.bin(['console', '1', '--socket-dir', folder.path])
    expect(await second.ended()).toMatchObject({
      code: 1,
      stderr: 'split-driver: EBUSY: the console of domain 1 has a writer\n',
    })
    using reader = RunningCommand.bin(['console', '1', '--read-only', '--printable', '--socket-dir', folder.path])
    await reader.said('stdout', /you typed hello/)

    daemon.child.kill('SIGTERM')
    const { code, stdout } = await daemon.ended()
    expect(outcome(stdout)).toEqual({ code: 0, held: [] })
    expect(code).toBe(0)
    expect(await terminal.ended()).toMatchObject({ code: 0, stdout: 'you typed hello\u001b[31m' })
    expect(await reader.ended()).toMatchObject({ code: 0, stdout: 'you typed hello' })
    expect(readFileSync(folder.file('logs/domain-1.log'), 'utf8')).toBe('you typed hello\u001b[31m')
    for (const name of ['consoled.sock', 'domain-1.sock']) expect(() => statSync(folder.file(name))).toThrow('ENOENT')
  })

  test.skipIf(!existsSync('/usr/bin/script'))(
    'on a terminal, keys go to the guest as they are, and Ctrl-] leaves',
    async () => {
      using daemon = consoled()
      await daemon.said('stdout', /^ready$/m)
      using terminal = RunningCommand.onTerminal(['console', '1', '--socket-dir', folder.path])
      await terminal.said('stdout', /Ctrl-\] leaves the console\r\n/)
      // Not a signal, as it would be on a terminal that is not raw.
      terminal.child.stdin.write('\u0003')
      await terminal.said('stdout', CTRL_C_ANSWERED)
      terminal.child.stdin.write('bye\u001d')
      const { code, stdout } = await terminal.ended()
      expect(stdout).toMatch(/left the console\r\n$/)
      expect(code).toBe(0)
      using next = RunningCommand.bin(['console', '1', '--socket-dir', folder.path])
      await next.said('stdout', /you typed bye/)
    },
  )

  test('an output that nobody reads any more ends the attachment without a word', async () => {
    using daemon = consoled()
    await daemon.said('stdout', /^ready$/m)
    using terminal = RunningCommand.bin(['console', '1', '--socket-dir', folder.path])
    terminal.child.stdin.write('a')
    await terminal.said('stdout', /you typed a/)
    terminal.child.stdout.destroy()
    terminal.child.stdin.write('b')
    expect(await terminal.ended()).toMatchObject({ code: 0, stderr: '' })
  })

  test('a second daemon names the first', async () => {
    using daemon = consoled()
    await daemon.said('stdout', /^ready$/m)
    using second = consoled()
    const { code, stderr } = await second.ended()
    expect(stderr).toMatch(`EBUSY: another consoled (process ${daemon.child.pid}) serves ${folder.path}`)
    expect(code).toBe(1)
  })
})

describe('a daemon that cannot close in order', () => {
  const stuck = (speed: number) => RunningCommand.stuck(['consoled', '--socket-dir', folder.path], speed)

  test('exits after its time limit with exit code 1, and says so', async () => {
    using daemon = stuck(100)
    await daemon.said('stdout', /^ready$/m)
    daemon.child.kill('SIGTERM')
    const { code, stderr } = await daemon.ended()
    expect(stderr).toMatch(/error not everything could be closed within 10 seconds: exiting as it is event=exit\n$/)
    expect(code).toBe(1)
  })

  test('exits at once when it is asked again', async () => {
    using daemon = stuck(1)
    await daemon.said('stdout', /^ready$/m)
    daemon.child.kill('SIGTERM')
    await daemon.said('stderr', /info {2}stopping/)
    daemon.child.kill('SIGINT')
    const { code, stderr } = await daemon.ended()
    expect(stderr).toMatch(/error SIGINT while stopping: exiting at once event=exit\n$/)
    expect(code).toBe(1)
  })
})
