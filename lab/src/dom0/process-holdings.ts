import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { command } from './command.js'

/** Where Debian puts the programs that belong to one version of Xen. */
const lsevtchn = (): string => {
  const folder = readdirSync('/usr/lib').find((name) => /^xen-\d/.test(name))
  if (folder === undefined) throw new Error('/usr/lib holds no xen-*: the image lacks the Xen tools')
  return `/usr/lib/${folder}/bin/lsevtchn`
}

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

  /** What is here that was not there `before`: nothing, if everything was given back since. */
  beyond(before: ProcessHoldings): string[] {
    const left = [...before.lines]
    return this.lines.filter((line) => {
      const index = left.indexOf(line)
      if (index < 0) return true
      left.splice(index, 1)
      return false
    })
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

/** Dom0's event channels that lead, or led, to another domain; the number of our own port may change. */
const channels = async (): Promise<string[]> => {
  const { output } = await command(lsevtchn(), ['0'])
  return output
    .split('\n')
    .filter((line) => /Remote Domain|Waiting/.test(line))
    .map((line) => `event channel ${line.replace(/^\s*\d+:\s*(VCPU \d+:\s*)?/, '')}`)
}
