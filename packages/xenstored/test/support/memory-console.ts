import { XenError } from '@split-driver/abi'
import type { LogFile, ServerConsole } from '@split-driver/xenstored'

/** A console whose files are kept in memory; time stands still there. */
export class MemoryConsole implements ServerConsole {
  readonly printed: string[] = []
  readonly files = new Map<string, string[]>()
  /** Names of those that are open. */
  readonly open: string[] = []
  /** No file can be opened, or none can be written. */
  failing: 'open' | 'write' | undefined

  print(text: string): void {
    this.printed.push(text)
  }

  openLog(name: string): LogFile {
    if (this.failing === 'open') throw new XenError('EACCES', name)
    const lines = this.files.get(name) ?? []
    this.files.set(name, lines)
    this.open.push(name)
    return {
      write: (line) => {
        if (this.failing === 'write') throw new XenError('ENOSPC', name)
        lines.push(line)
      },
      close: () => void this.open.splice(this.open.indexOf(name), 1),
    }
  }

  timestamp(): string {
    return '20260102 03:04:05'
  }
}
