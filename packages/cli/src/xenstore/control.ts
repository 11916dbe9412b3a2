import { XenError } from '@split-driver/abi'
import type { XenStoreClient } from '@split-driver/xenbus'
import { ExitCode } from '../exit-code.js'
import type { ToolOutput } from './tool-output.js'

/** What `control` has: a XenStore, where it prints, and how it waits. */
export interface ControlTool {
  readonly store: Pick<XenStoreClient, 'control' | 'tryRead'>
  readonly output: ToolOutput
  /** Lets a second go by. */
  readonly pause: () => Promise<void>
}

/** xenstore-control: tells the daemon itself what to do, and prints what it answers. */
export const control = async ({ store, output }: ControlTool, command: string, words: string[]): Promise<ExitCode> => {
  try {
    const [answer = ''] = (await store.control(command, words)).split('\0')
    if (answer !== '') await output.print(`${answer}\n`)
    return ExitCode.Okay
  } catch (error) {
    if (!XenError.is(error)) throw error
    output.complain(error.code === 'EINVAL' ? await unsupported(store) : `${error.message}: the daemon refused it`)
    return ExitCode.Refused
  }
}

const unsupported = async (store: ControlTool['store']): Promise<string> => {
  try {
    return `EINVAL: the daemon does not take this command so; it has these:\n${await store.control('help')}`
  } catch (error) {
    if (!XenError.is(error)) throw error
    return 'EINVAL: the daemon does not take this command so'
  }
}
