import { once } from 'node:events'
import { ExitCode } from '../exit-code.js'

/** Where a tool prints. */
export interface ToolOutput {
  /** Characters of a line, if it is a terminal. */
  readonly columns: number | undefined
  /** Resolves when more may be printed: a tree may be large, and its reader slow. */
  print(piece: string | Uint8Array): Promise<void>
  /** Says on the side what could not be printed. */
  complain(line: string): void
}

/** Standard output. Who closes it, as `head` does, has seen enough. */
export const standardOutput = (): ToolOutput => {
  const { stdout, stderr } = process
  stdout.on('error', () => process.exit(ExitCode.Failed))
  return {
    columns: stdout.isTTY ? stdout.columns : undefined,
    print: async (piece) => {
      if (!stdout.write(piece)) await once(stdout, 'drain')
    },
    complain: (line) => void stderr.write(`split-driver: ${line}\n`),
  }
}
