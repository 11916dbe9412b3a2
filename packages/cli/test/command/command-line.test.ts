import { existsSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RunningCommand, splitDriver } from '../support/command.js'
import { ScratchFolder } from '../support/scratch-folder.js'

let folder: ScratchFolder
beforeEach(() => {
  folder = new ScratchFolder()
})
afterEach(() => folder[Symbol.dispose]())

describe('split-driver', () => {
  test.each([
    [
      ['--help'],
      /Usage: split-driver[\s\S]*machine[\s\S]*create[\s\S]*console[\s\S]*doctor[\s\S]*blkback[\s\S]*Begin with/,
    ],
    [['help', 'blkback'], /--config <file>[\s\S]*"images"[\s\S]*SIGHUP[\s\S]*Examples:/],
    [['consoled', '--help'], /--socket-dir[\s\S]*domain-<domid>.sock[\s\S]*Examples:/],
    [['console', '--help'], /Ctrl-\] leaves[\s\S]*Examples:/],
    [['xenstore', '--help'], /ls .*\n[\s\S]*control[\s\S]*XENSTORED_PATH[\s\S]*Examples:/],
    [['xenstore', 'ls', '-h'], /-f, --flat[\s\S]*-p, --prefix/],
    [['xenstore', 'control', '--help'], /live-update \[-c COMMAND-LINE\][\s\S]*3 the daemon refused[\s\S]*Examples:/],
    [['xenstored', '--help'], /--persist <folder>[\s\S]*--quota-nodes <n>[\s\S]*INTRODUCE is refused[\s\S]*Examples:/],
    [['complete', '--', 'xenstored', '--quota-node'], /^--quota-nodes\n--quota-node-permissions\n--quota-node-size\n$/],
    [['complete', '--', 'xenstore', 'c'], /^chmod\ncontrol\n$/],
    [['doctor', '-h'], /--json[\s\S]*Exit code 0[\s\S]*Examples:/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('%j explains itself on standard output, exit code 0', async (args, text) => {
    const { code, stdout, stderr } = await splitDriver(...args)
    expect(stdout).toMatch(text)
    expect([code, stderr]).toEqual([0, ''])
  })

  test.each([
    [[], /Usage: split-driver/],
    [['blkbak'], /unknown command 'blkbak'\n\(Did you mean blkback\?\)/],
    [['blkback'], /required option '-c, --config <file>' not specified/],
    [['consoled', '--socket-dri', 'x'], /unknown option '--socket-dri'\n\(Did you mean --socket-dir\?\)/],
    [['console'], /missing required argument 'domain'/],
    [['console', 'guest', '--socket-dir', '.'], /'guest' is invalid.*Expected a domain's number/],
    [['console', '99999', '--socket-dir', '.'], /'99999' is invalid.*Expected a domain's number/],
    [['consoled', '--event-rate', '30'], /'30' is invalid. Expected 30\/200/],
    [['consoled', '--event-rate', '0/200'], /'0\/200' is invalid/],
    [['consoled', '--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
    [['doctor', 'everything'], /too many arguments/],
  ])('%j is a mistake of the caller: exit code 2', async (args, text) => {
    const { code, stdout, stderr } = await splitDriver(...args)
    expect(stderr).toMatch(text)
    expect([code, stdout]).toEqual([2, ''])
  })

  test.each([
    ['none.json', undefined, /none.json: cannot be read: ENOENT/],
    ['bad.json', '{\n "images": { "a": { "file": 7 } } }', /bad.json:2: "images.a.file" is 7; expected the path/],
  ])('blkback --config %s: one line with the place and the mistake, exit code 2', async (name, text, message) => {
    if (text !== undefined) writeFileSync(folder.file(name), text)
    const { code, stdout, stderr } = await splitDriver('blkback', '--config', folder.file(name))
    expect(stderr).toMatch(message)
    expect(stderr.split('\n')).toHaveLength(2)
    expect([code, stdout]).toEqual([2, ''])
  })

  test('console of a number where no machine runs: consoled is asked, as on a real host', async () => {
    using command = RunningCommand.withEnvironment({ XDG_RUNTIME_DIR: folder.path }, ['console', '3'])
    const { code, stderr } = await command.ended()
    expect(stderr).toMatch(/nobody serves the console of domain 3 at \/run\/split-driver\/consoled\/domain-3.sock/)
    expect(code).toBe(1)
  })

  test('console of a name where no machine runs: it says how to start one', async () => {
    using command = RunningCommand.withEnvironment({ XDG_RUNTIME_DIR: folder.path }, ['console', 'mini'])
    expect((await command.ended()).stderr).toMatch(
      /^split-driver: ENOENT: no machine runs at .*machine\.sock: start one/,
    )
  })

  test('console of a domain that nobody serves: one line that says so, exit code 1', async () => {
    const { code, stderr } = await splitDriver('console', '3', '--socket-dir', folder.path)
    expect(stderr).toMatch(
      /^split-driver: ENOENT: nobody serves the console of domain 3 at .*domain-3.sock: is .*\?\n$/,
    )
    expect(code).toBe(1)
  })
})

describe.skipIf(existsSync('/sys/hypervisor/type'))('on a machine without Xen', () => {
  test('doctor says so and what to do, in a table without colours, exit code 1', async () => {
    const { code, stdout, stderr } = await splitDriver('doctor')
    expect(stdout).toMatch(/✘ │ Xen +│ this machine does not run under Xen/)
    expect(stdout).toMatch(/What to do:\n {2}Xen: boot a Xen host/)
    expect(stdout).toMatch(/✘ split-driver blkback cannot run here; it lacks: Xen/)
    expect(stdout).not.toContain('\u001b')
    expect([code, stderr]).toEqual([1, ''])
  })

  test('doctor --json is one document', async () => {
    const { code, stdout } = await splitDriver('doctor', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ okay: false, daemons: [{ daemon: 'blkback', lacks: ['Xen'] }, {}] })
    expect(code).toBe(1)
  })

  test.each(['blkback', 'consoled'])('%s says so in one line, exit code 1', async (daemon) => {
    writeFileSync(folder.file('a.img'), new Uint8Array(512))
    writeFileSync(folder.file('blkback.json'), '{ "images": { "a": { "file": "a.img" } } }')
    const options = daemon === 'blkback' ? ['--config', folder.file('blkback.json')] : ['--socket-dir', folder.path]
    const { code, stdout, stderr } = await splitDriver(daemon, ...options)
    expect(stderr).toMatch(/^split-driver: ENODEV: this machine does not run under Xen: run this in dom0 .*doctor.*\n$/)
    expect([code, stdout]).toEqual([1, ''])
  })
})
