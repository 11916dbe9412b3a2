import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const capture = promisify(execFile)
const settleMs = 15_000
const lookEveryMs = 250

/** Lines of each kind of thing that dom0 holds, without what may differ each time, such as a process's number. */
export type Facts = Readonly<Record<string, readonly string[]>>

/** What a scenario must leave as it found it. Taken before, compared after. */
export class Dom0State {
  private constructor(readonly facts: Facts) {}

  static async look(): Promise<Dom0State> {
    return new Dom0State({
      domain: await lines('xl', ['list'], domainLine),
      'event channel': await lines('/usr/lib/xen/bin/lsevtchn', ['0'], eventChannelLine),
      'backend directory': await devicesBelow('/local/domain/0/backend'),
      'frontend directory': await devicesBelow('/local/domain/0/device'),
      'loop device': await lines('losetup', ['-a']),
      mount: readFileSync('/proc/self/mounts', 'utf8').trim().split('\n'),
      process: processes(),
    })
  }

  /** What is there now and was not, or was there and is gone. Ends of domains and devices take their time: it waits. */
  async leaksUntilNow(): Promise<string[]> {
    const deadline = performance.now() + settleMs
    for (;;) {
      const differences = differencesBetween(this.facts, (await Dom0State.look()).facts)
      if (differences.length === 0 || performance.now() > deadline) return differences
      await sleep(lookEveryMs)
    }
  }
}

/** One line for each thing that came or went. Two equal lines are two things. */
export function differencesBetween(before: Facts, after: Facts): string[] {
  return Object.keys(before).flatMap((kind) => [
    ...moreOf(after[kind], before[kind]).map((line) => `${kind} left: ${line}`),
    ...moreOf(before[kind], after[kind]).map((line) => `${kind} gone: ${line}`),
  ])
}

/** The lines of `some` that `others` have less often. */
export function moreOf(some: readonly string[] = [], others: readonly string[] = []): string[] {
  const unmatched = [...others]
  return some.filter((line) => {
    const index = unmatched.indexOf(line)
    if (index >= 0) unmatched.splice(index, 1)
    return index < 0
  })
}

const domainLine = (line: string) => line.trim().split(/\s+/).slice(0, 2).join(' ')

/**
 * From `   5: VCPU 0: Interdomain (Connected) - Remote Domain 0, Port 3`, without the numbers of ports, and without the
 * processor, which the kernel chooses anew for each binding.
 */
export const eventChannelLine = (line: string) => line.replace(/^\s*\d+:\s*VCPU \d+:\s*/, '').replace(/, Port \d+/, '')

async function lines(program: string, args: string[], part = (line: string) => line): Promise<string[]> {
  const { stdout } = await capture(program, args, { timeout: 60_000 })
  const full = stdout.split('\n').filter((line) => line.trim() !== '')
  return full.map((line) => part(line))
}

/** Two levels, such as `vbd/1`: libxl leaves the first level behind, which is no leak of ours. */
async function devicesBelow(path: string): Promise<string[]> {
  const kinds = await listStore(path)
  const devices = kinds.map(async (kind) => (await listStore(`${path}/${kind}`)).map((name) => `${kind}/${name}`))
  return (await Promise.all(devices)).flat()
}

/** A directory that is not there has nothing in it. */
const listStore = (path: string) => lines('xenstore-list', [path]).catch(() => [])

/** Command lines of all processes but this one and the kernel's threads, which are children of process 2. */
function processes(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return pids.flatMap((pid) => {
    try {
      const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      // By this argument a XenStore daemon knows that it is to go on with another's state: it is the same daemon.
      return parent === 2 || command === '' ? [] : [command.replace(/ -U$/, '')]
    } catch {
      return []
    }
  })
}
