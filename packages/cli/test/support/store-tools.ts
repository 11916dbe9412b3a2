import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { runCommandLine } from '@split-driver/cli'

/** What a script sees of a tool. */
export interface ToolOutcome {
  readonly code: number | null
  readonly stdout: string
}

/** Xen's own tools are on this machine. */
export const hasOriginals = existsSync('/usr/bin/xenstore-ls')

const unused = () => Promise.reject(new Error('no part of this test'))

/** `split-driver xenstore …` in this process, as on a terminal of so many columns if any are given. */
export const ourTool = async (socket: string, args: readonly string[], columns?: number): Promise<ToolOutcome> => {
  const pieces: Uint8Array[] = []
  const output = {
    columns,
    print: async (piece: string | Uint8Array) => void pieces.push(Buffer.from(piece)),
    complain: () => undefined,
  }
  const world = { openPlatform: unused, openXenstore: unused, openStoreMachine: unused, inspectHost: unused, output }
  const [verb = '', ...rest] = args
  const code = await runCommandLine(['xenstore', verb, '--xenstored', socket, ...rest], world)
  return { code, stdout: Buffer.concat(pieces).toString('latin1') }
}

/** `xenstore-ls` and its like. */
export const originalTool = async (socket: string, args: readonly string[]): Promise<ToolOutcome> => {
  const [verb = '', ...rest] = args
  return outcome(`xenstore-${verb}`, rest, socket)
}

/** On a terminal of its own, which `script` of util-linux makes. */
export const originalOnTerminal = async (
  socket: string,
  args: readonly string[],
  columns: number,
): Promise<ToolOutcome> => {
  const command = `stty columns ${columns}; exec xenstore-${args.join(' ')}`
  const { code, stdout } = await outcome('script', ['-qec', command, '/dev/null'], socket)
  return { code, stdout: stdout.replaceAll('\r\n', '\n') }
}

const outcome = async (program: string, args: readonly string[], socket: string): Promise<ToolOutcome> => {
  const environment = { ...process.env, XENSTORED_PATH: socket, POSIXLY_CORRECT: undefined }
  const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.setEncoding('latin1')
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { code, stdout }
}
