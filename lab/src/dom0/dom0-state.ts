import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const capture = promisify(execFile)
const settleMs = 15_000
const lookEveryMs = 250

/** What a scenario must leave as it found it. Taken before, compared after. */
export class Dom0State {
  private constructor(readonly facts: ReadonlyMap<string, readonly string[]>) {}

  static async look(): Promise<Dom0State> {
    return new Dom0State(
      new Map([
        ['domain', await lines('xl', ['list'], (line) => line.split(/\s+/).slice(0, 2).join(' '))],
        ['event channel', await lines('/usr/lib/xen/bin/lsevtchn', ['0'])],
        ['backend directory', await directoriesBelow('/local/domain/0/backend')],
        ['frontend directory', await directoriesBelow('/local/domain/0/device')],
        ['loop device', await lines('losetup', ['-a'])],
        ['mount', readFileSync('/proc/self/mounts', 'utf8').trim().split('\n')],
        ['process', processes()],
      ]),
    )
  }

  /** What is there now and was not, or was there and is gone. Ends of domains and devices take their time: it waits. */
  async leaksUntilNow(): Promise<string[]> {
    const deadline = performance.now() + settleMs
    for (;;) {
      const differences = this.differencesTo(await Dom0State.look())
      if (differences.length === 0 || performance.now() > deadline) return differences
      await sleep(lookEveryMs)
    }
  }

  differencesTo(later: Dom0State): string[] {
    return [...this.facts].flatMap(([kind, before]) => {
      const after = later.facts.get(kind) ?? []
      return [
        ...missingFrom(before, after).map((line) => `${kind} left: ${line}`),
        ...missingFrom(after, before).map((line) => `${kind} gone: ${line}`),
      ]
    })
  }
}

const missingFrom = (known: readonly string[], lines: readonly string[]) =>
  lines.filter((line) => !known.includes(line))

async function lines(program: string, args: string[], part = (line: string) => line): Promise<string[]> {
  const { stdout } = await capture(program, args, { timeout: 60_000 })
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => part(line))
}

/** Two levels, such as `vbd/1`: libxl leaves the first level behind, which is no leak of ours. */
async function directoriesBelow(path: string): Promise<string[]> {
  const kinds = await listStore(path)
  return (
    await Promise.all(kinds.map(async (kind) => (await listStore(`${path}/${kind}`)).map((name) => `${kind}/${name}`)))
  ).flat()
}

const listStore = (path: string) => lines('xenstore-list', [path]).catch(() => [])

/** Command lines of all processes but kernel threads (children of 2) and what looks at them. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return parent === 2 || command === '' ? [] : [`${pid} ${command}`]
      } catch {
        return []
      }
    })
}
