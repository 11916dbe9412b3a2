import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Domid } from '@split-driver/abi'
import { logFileName } from '@split-driver/cli'
import { AttachedTerminal } from '../src/dom0/attached-terminal.js'
import { command } from '../src/dom0/command.js'
import { DiskImage } from '../src/dom0/disk-image.js'
import { createDomain, destroyDomain } from '../src/dom0/domain.js'
import { guestImage } from '../src/dom0/guest-image.js'
import { type OurConsoled, startConsoled } from '../src/dom0/our-daemons.js'
import { until } from '../src/dom0/patience.js'
import { ProcessHoldings } from '../src/dom0/process-holdings.js'
import { stopXenconsoled } from '../src/dom0/xenconsoled.js'
import { loginInit, PROMPT } from '../src/guest/guest-init.js'
import type { Lab, Scenario } from '../src/scenario.js'

const DATA_MIB = 10
const SEED = 21
const BOOT_SECONDS = 120
const ANSWER_SECONDS = 30
const DATA_SECONDS = 240

export const scenario: Scenario = {
  name: 'console-linux',
  summary: 'our console daemon in place of xenconsoled: boot log, login, 10 MiB byte for byte',
  limitSeconds: 400,
  async run(lab) {
    const data = DiskImage.create(`${lab.folder}/data`, DATA_MIB << 20, SEED)
    await stopXenconsoled(lab)
    const consoled = await startConsoled(lab)
    const idle = await ProcessHoldings.of(consoled.daemon.pid)
    const image = guestImage({
      name: 'login',
      init: (modules) => loginInit({ modules, prepare: SEND_DATA }),
      files: { '/data': data.path },
    })
    const plan = { name: 'console-linux', image, memoryMiB: 192, kernelArguments: 'loglevel=8' }
    const domid = await createDomain(lab, plan)
    lab.atEnd(() => destroyDomain(domid))
    const terminal = await AttachedTerminal.attach(consoled.socketFolder, domid, ANSWER_SECONDS)
    lab.atEnd(() => terminal[Symbol.dispose]())
    await command('xl', ['unpause', String(domid)])
    await checkLogin(lab, terminal)
    await checkBootLog(lab, terminal)
    await checkOutput(lab, { terminal, consoled, domid, data })
    await checkEnd(lab, { domid, consoled, idle })
  },
}

/** Output in a mode in which the terminal changes no byte of it. */
const SEND_DATA = `
echo 'echo begin; stty -opost; cat /data; stty opost; echo; echo end' >/bin/send-data
chmod +x /bin/send-data`

const checkLogin = async (lab: Lab, terminal: AttachedTerminal): Promise<void> => {
  /** Types a line; returns what was shown from then until the next prompt. */
  const answer = async (line: string): Promise<string> => {
    const from = terminal.count
    await terminal.type(`${line}\r`)
    const to = await terminal.waitFor(PROMPT, ANSWER_SECONDS, from)
    return terminal.bytes(from, to).toString('latin1')
  }
  await lab.check('the guest asks who is there; root logs in', async () => {
    const asked = await terminal.waitFor('guest login: ', BOOT_SECONDS)
    await terminal.type('root\r')
    await terminal.waitFor(PROMPT, ANSWER_SECONDS, asked)
  })
  await lab.check('typed commands are shown as they are typed, and answered', async () => {
    assert.match(await answer('echo $((6*7))'), /^echo \$\(\(6\*7\)\)\r?\n42\r\n/)
    assert.match(await answer('tty; echo $USER'), /\/dev\/hvc0\r\nroot\r\n/)
  })
  await lab.check('Ctrl-C ends what runs', async () => {
    const from = terminal.count
    await terminal.type('sleep 1000\r')
    await until(ANSWER_SECONDS, 'the sleep to run', async () => terminal.bytes(from).includes('\n'))
    await terminal.type('\x03')
    await terminal.waitFor(PROMPT, ANSWER_SECONDS, from)
    assert.match(await answer('echo $?'), /\n130\r\n/)
  })
}

const KERNEL_LINE = /\[ *\d+\.\d{6}\] [^\r\n]*/g
const kernelLines = (bytes: Buffer): string[] => bytes.toString('latin1').match(KERNEL_LINE) ?? []

const checkBootLog = async (lab: Lab, terminal: AttachedTerminal): Promise<void> => {
  await lab.check("the boot log is complete, line by line, as the guest's dmesg has it", async () => {
    // From here on the kernel itself writes nothing to the console.
    await terminal.type('dmesg -n 1\r')
    const booted = await terminal.waitFor(PROMPT, ANSWER_SECONDS, terminal.count)
    await terminal.type('dmesg\r')
    const end = await terminal.waitFor(PROMPT, ANSWER_SECONDS, booted)
    const shown = kernelLines(terminal.bytes(0, booted))
    const kept = kernelLines(terminal.bytes(booted, end))
    assert.match(shown[0] ?? '', /Linux version/)
    assert.ok(shown.some((line) => line.includes('Run /init as init process')))
    assert.deepEqual(shown, kept)
  })
}

interface Output {
  readonly terminal: AttachedTerminal
  readonly consoled: OurConsoled
  readonly domid: Domid
  readonly data: DiskImage
}

const checkOutput = async (lab: Lab, { terminal, consoled, domid, data }: Output): Promise<void> => {
  const expected = data.read()
  const start = await lab.check(`${DATA_MIB} MiB of the guest's output arrive byte for byte`, async () => {
    const from = terminal.count
    const clock = performance.now()
    await terminal.type('send-data\r')
    const begun = await terminal.waitFor('\nbegin\r\n', ANSWER_SECONDS, from)
    await terminal.waitForCount(begun + expected.length, DATA_SECONDS)
    lab.figure('console output', DATA_MIB / ((performance.now() - clock) / 1000), 'MiB/s')
    await terminal.waitFor('\r\nend\r\n', ANSWER_SECONDS, begun + expected.length)
    assert.equal(Buffer.compare(terminal.bytes(begun, begun + expected.length), expected), 0)
    assert.equal(terminal.bytes(begun + expected.length).indexOf('\r\nend\r\n'), 0)
    return begun
  })
  await lab.check("the daemon's log file holds the same bytes, from the first line of the boot on", async () => {
    const file = join(consoled.logFolder, logFileName(domid))
    const count = start + expected.length
    const log = await until(ANSWER_SECONDS, `${count} bytes in ${file}`, () => {
      const bytes = readFileSync(file)
      return bytes.length >= count && bytes
    })
    assert.equal(Buffer.compare(log.subarray(0, count), terminal.bytes(0, count)), 0)
  })
}

interface End {
  readonly domid: Domid
  readonly consoled: OurConsoled
  readonly idle: ProcessHoldings
}

const checkEnd = async (lab: Lab, { domid, consoled: { daemon }, idle }: End): Promise<void> => {
  await lab.check('the guest is destroyed; the daemon goes on, and holds nothing of it', async () => {
    assert.notDeepEqual((await ProcessHoldings.of(daemon.pid)).beyond(idle), [])
    await destroyDomain(domid)
    await idle.restored(ANSWER_SECONDS)
    assert.ok(daemon.running, daemon.said)
  })
}
