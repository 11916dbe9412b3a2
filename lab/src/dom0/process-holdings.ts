import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { command } from './command.js'
import { eventChannelLine, moreOf } from './dom0-state.js'
import { until } from './patience.js'

/**
 * What a process holds of Xen, one line a thing: mapped pages, descriptors, and (of all of dom0, for only Xen tells) event
 * channels to other domains.
 */
export class ProcessHoldings {
  readonly pid: number
  readonly lines: readonly string[]

  private constructor(pid: number, lines: readonly string[]) {
    this.pid = pid
    this.lines = lines
  }

  static async of(pid: number): Promise<ProcessHoldings> {
    return new ProcessHoldings(pid, [...mappings(pid), ...descriptors(pid), ...(await channels())])
  }

  /** How many of them begin with `kind`, such as `mapping of /dev/xen/gntdev`. */
  count(kind: string): number {
    return this.lines.filter((line) => line.startsWith(kind)).length
  }

  /** Waits until the process holds nothing beyond this. @throws Error that lists what it holds still */
  async restored(seconds: number): Promise<void> {
    let beyond: readonly string[] = []
    const look = async (): Promise<boolean> => {
      beyond = (await ProcessHoldings.of(this.pid)).beyond(this)
      return beyond.length === 0
    }
    await until(seconds, 'the process to let go', look).catch((error: Error) => {
      throw new Error(`${error.message}; it holds ${beyond.join(', ')}`)
    })
  }

  /** What is here that was not there `before`. */
  beyond(before: ProcessHoldings): string[] {
    return moreOf(this.lines, before.lines)
  }
}

/** Addresses differ from time to time and are left out. @see proc(5) /proc/pid/maps */
const mappings = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(' /dev/xen/'))
    .map((line) => `mapping of ${line.slice(line.indexOf('/dev/xen/'))}`)

const descriptors = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [`descriptor of ${readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d{3,}/, '…')}`]
    } catch {
      // It was closed between the listing and the look.
      return []
    }
  })

/** Dom0's event channels that lead, or led, to another domain. */
const channels = async (): Promise<string[]> => {
  const { output } = await command('/usr/lib/xen/bin/lsevtchn', ['0'])
  const lines = output.split('\n').filter((line) => /Remote Domain|Waiting/.test(line))
  return lines.map((line) => `event channel ${eventChannelLine(line)}`)
}
