import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandResult, RunningCommand } from '../support/command.js'
import { ScratchFolder } from '../support/scratch-folder.js'

const GUEST = join(import.meta.dirname, '..', 'programs', 'shell-guest.mjs')
const CTRL_CLOSE_BRACKET = '\u001d'

let folder: ScratchFolder
let machine: RunningCommand
beforeEach(async () => {
  folder = new ScratchFolder()
  writeFileSync(folder.file('a.cfg'), `name = "a"\nkernel = "${GUEST}"\nmemory = 4\nextra = "one"\nvif = [ '' ]\n`)
  machine = await start()
})
afterEach(() => {
  machine[Symbol.dispose]()
  folder[Symbol.dispose]()
})

const socket = () => ['--socket', folder.file('m.sock')]

const start = async (): Promise<RunningCommand> => {
  const command = RunningCommand.bin(['machine', ...socket(), '--memory', '128'])
  await command.said('stdout', /^ready$/m)
  return command
}

/** Runs a command against the machine to its end. */
const run = async (...args: readonly string[]): Promise<CommandResult> => {
  using command = RunningCommand.bin([...args, ...socket()])
  command.child.stdin.end()
  return await command.ended()
}

const config = () => folder.file('a.cfg')

describe('a machine and its commands', () => {
  test('create, list, console, shutdown, as a person types them', async () => {
    const created = await run('create', config(), 'memory=8; vcpus=2')
    expect(created).toEqual({
      code: 0,
      stdout: '',
      stderr: `${config()}:5:1: warning: "vif" has no effect on this machine\na is domain 1\n`,
    })
    const listed = await run('list')
    expect(listed.stdout.split('\n')[0]).toMatch(/^Name +ID +Mem VCPUs +State +Time\(s\)$/)
    expect(listed.stdout).toMatch(/^Domain-0 {37}0 .*\na {44}1 {5}8 {5}2 {5}[rb-]{2}---- {2}/m)
    using console = RunningCommand.bin(['console', 'a', ...socket()])
    await console.said('stdout', /up, "one"/)
    console.child.stdin.write('x')
    await console.said('stdout', /key x\r\n/)
    expect(await run('shutdown', '--wait', 'a')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await console.ended()).toMatchObject({ code: 0, stdout: expect.stringMatching(/down\r\n$/) })
    expect((await run('list', 'a')).stderr).toBe('split-driver: ESRCH: there is no domain called "a"\n')
  })

  test('create -c shows a domain from its first word on, and Ctrl-] leaves it running', async () => {
    using terminal = RunningCommand.onTerminal(['create', '-c', config(), `'extra="seen"'`, ...socket()])
    await terminal.said('stdout', /up, "seen"/)
    terminal.child.stdin.write(CTRL_CLOSE_BRACKET)
    expect(await terminal.ended()).toMatchObject({ code: 0, stdout: expect.stringContaining('left the console') })
    expect(JSON.parse((await run('list', 'a', '--json')).stdout)).toMatchObject([{ domid: 1, name: 'a' }])
  })

  test('pause, unpause, rename, vcpu-list, list --long', async () => {
    await run('create', '-p', config())
    expect((await run('list', 'a')).stdout).toMatch(/--p---/)
    expect((await run('unpause', '1')).code).toBe(0)
    expect((await run('unpause', '1')).stderr).toBe('split-driver: EINVAL: domain 1 is not paused\n')
    await run('pause', 'a')
    expect((await run('vcpu-list', 'a')).stdout).toMatch(/^a {36}1 {5}0 {5}- {3}--p .*all \/ all$/m)
    expect((await run('rename', 'a', 'b')).code).toBe(0)
    const [long] = JSON.parse((await run('list', '--long', 'b')).stdout)
    expect(long).toMatchObject({ name: 'b', config: { kernel: GUEST, commandLine: 'one' } })
    expect((await run('rename', 'b', '7')).stderr).toMatch(/rename: "name": expected up to 128 .* not a number alone/)
  })

  test('dmesg: what guests say before they have a console', async () => {
    expect(await run('dmesg')).toEqual({ code: 0, stdout: '', stderr: '' })
    await run('create', config())
    using console = RunningCommand.bin(['console', 'a', ...socket()])
    await console.said('stdout', /up/)
    expect(await run('dmesg')).toEqual({ code: 0, stdout: '(d1) early words of 1\n', stderr: '' })
  })

  test('disks come and go', async () => {
    writeFileSync(folder.file('b.img'), new Uint8Array(4096))
    await run('create', config())
    expect(await run('block-attach', 'a', `${folder.file('b.img')},,xvdb,r`)).toMatchObject({ code: 0, stderr: '' })
    const { stdout } = await run('block-list', 'a')
    expect(stdout).toMatch(/^51728 {5}xvdb {3}r {4}Initialising {2}\w+ +\/.*b\.img$/m)
    expect((await run('block-detach', '--force', 'a', 'xvdb')).code).toBe(0)
    expect((await run('block-list', '--json', 'a')).stdout).toBe('[]\n')
    expect(await run('block-attach', 'a', 'b.img,qcow2,xvdb')).toMatchObject({
      code: 2,
      stderr:
        'split-driver: block-attach: the disk "b.img,qcow2,xvdb" asks for the format qcow2, which this machine cannot do\n',
    })
  })

  test('xenstore: reads, writes, watches, as the tools of a real host do', async () => {
    await run('create', config())
    expect((await run('xenstore', 'read', '/local/domain/1/name')).stdout).toBe('a\n')
    expect((await run('xenstore', 'ls', '-p', '/local/domain/1')).stdout).toMatch(/^name = "a" [. ]+ {2}\(n0,r1\)$/m)
    using watch = RunningCommand.bin(['xenstore', 'watch', '-n', '3', '/tool/x', ...socket()])
    await watch.said('stdout', /^\/tool\/x$/m)
    expect((await run('xenstore', 'write', '/tool/x', '1', '/tool/x/y', 'two\nlines')).code).toBe(0)
    expect((await watch.ended()).stdout.trimEnd().split('\n').sort()).toEqual(['/tool/x', '/tool/x', '/tool/x/y'])
    expect((await run('xenstore', 'read', '/tool/x/y')).stdout).toBe('two\\nlines\n')
    expect((await run('xenstore', 'read', '-R', '/tool/x/y')).stdout).toBe('two\nlines')
    expect((await run('xenstore', 'list', '/tool/x')).stdout).toBe('y\n')
    expect((await run('xenstore', 'chmod', '-r', '/tool/x', 'n0', 'r1')).code).toBe(0)
    expect((await run('xenstore', 'ls', '-fp', '/tool/x')).stdout).toBe('/tool/x/y = "two\\nlines"   (n0,r1)\n')
    expect((await run('xenstore', 'rm', '/tool/x')).code).toBe(0)
    expect((await run('xenstore', 'exists', '/tool/x')).code).toBe(1)
    expect((await run('xenstore', 'exists', '/tool')).code).toBe(0)
    expect((await run('xenstore', 'chmod', '/tool', 'z9')).code).toBe(1)
  })
})

describe('the life of a machine', () => {
  test('a second one on the same socket is refused by the first one’s process id', async () => {
    const { code, stdout, stderr } = await run('machine')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      `split-driver: EBUSY: another machine (process ${machine.child.pid}) has ${folder.file('m.sock')}: stop it, or choose another --socket\n`,
    )
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the domains, then the host: exit code 0', async (signal) => {
    await run('create', config())
    using console = RunningCommand.bin(['console', 'a', ...socket()])
    await console.said('stdout', /up/)
    machine.child.kill(signal)
    const { code, stderr } = await machine.ended()
    expect(code).toBe(0)
    expect(stderr).toMatch(/event=shutdown domid=1 name=a reason=poweroff[\s\S]*event=stopped\n$/)
    expect(await console.ended()).toMatchObject({ code: 0, stdout: expect.stringMatching(/down\r\n$/) })
  })

  test('one that was killed leaves nothing that the next one minds', async () => {
    await run('create', config())
    machine.child.kill('SIGKILL')
    await machine.ended()
    expect((await run('list')).stderr).toMatch(/no machine runs at .*m\.sock: start one with split-driver machine/)
    using next = await start()
    expect(await run('create', config())).toMatchObject({ code: 0 })
    next.child.kill('SIGTERM')
    expect((await next.ended()).code).toBe(0)
  })
})

describe('mistakes', () => {
  test.each([
    ['a file that is not there', ['create', '/none.cfg'], 2, /^split-driver: \/none\.cfg: cannot be read: ENOENT/],
    ['a mistake in it', ['create', 'CFG', 'memory=lots'], 2, /^split-driver: argument "memory=lots":1:8: found "lots"/],
    [
      'a kernel that is none',
      ['create', 'CFG', 'kernel="/bin/sh"'],
      2,
      /a\.cfg: the kernel \/bin\/sh is no JavaScript module/,
    ],
    [
      'a missing kernel',
      ['create', 'CFG', 'kernel="x.mjs"'],
      2,
      /a\.cfg: the kernel \/.*x\.mjs cannot be reached \(ENOENT\)/,
    ],
    [
      'a missing disk',
      ['create', '-q', 'CFG', 'disk=["/x,,xvda"]'],
      1,
      /^split-driver: ENOENT: the disk xvda cannot be had/,
    ],
    ['nobody to shut down', ['shutdown'], 2, /expected a domain, or --all/],
    ['too much to shut down', ['shutdown', '--all', 'a'], 2, /expected a domain, or --all/],
    ['a time limit that is none', ['shutdown', '-t', '0', 'a'], 2, /Expected a whole number from 1 to 3600/],
    ['no such domain', ['console', 'nobody'], 1, /^split-driver: ESRCH: there is no domain called "nobody"\n$/],
    ['the control domain', ['destroy', '0'], 1, /^split-driver: EINVAL: Domain-0 is the control domain/],
  ])('%s', async (_, args, code, message) => {
    const result = await run(...args.map((arg) => (arg === 'CFG' ? config() : arg)))
    expect(result.stderr.replace(/^.*warning.*\n/, '')).toMatch(message)
    expect([result.code, result.stdout]).toEqual([code, ''])
  })

  test('--dry-run reads, prints and changes nothing', async () => {
    const { code, stdout } = await run('create', '--dry-run', config(), 'disk=["x.img,,xvda"]')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ name: 'a', memoryMiB: 4, disks: [{ target: folder.file('x.img') }] })
    expect(JSON.parse((await run('list', '--json')).stdout)).toHaveLength(1)
  })
})
