import type { Observers } from '../server-observer.js'
import { checkCommand } from './check-command.js'
import type { ControlCommand } from './control-command.js'
import { helpCommand } from './help-command.js'
import { logCommands } from './log-commands.js'
import { quotaCommand, softQuotaCommand } from './quota-commands.js'
import type { ServerConsole } from './server-console.js'
import { TraceLog } from './trace-log.js'

export interface ControlCommandsOptions {
  /** Without it the commands that write somewhere are unknown. */
  readonly console?: ServerConsole | undefined
  readonly observers: Observers
  /** What is logged to from the beginning. */
  readonly traceFile?: string | undefined
  /** Commands that whoever runs the server adds. */
  readonly more?: readonly ControlCommand[] | undefined
}

/**
 * What a server may be told by CONTROL, by name, in the order of `help`.
 * @throws TypeError for a trace file without a console; XenError with what the system said of that file
 */
export const controlCommands = (options: ControlCommandsOptions): ReadonlyMap<string, ControlCommand> => {
  const { console, more = [] } = options
  const commands = [checkCommand(console), ...writingCommands(options), ...more]
  commands.push(quotaCommand, softQuotaCommand, helpCommand)
  return new Map(commands.map((command) => [command.name, command]))
}

const writingCommands = ({ console, observers, traceFile }: ControlCommandsOptions): ControlCommand[] => {
  if (console === undefined) {
    if (traceFile !== undefined) throw new TypeError('a trace file needs a console that opens it')
    return []
  }
  const log = new TraceLog(console, observers)
  if (traceFile !== undefined) log.startAt(traceFile)
  return logCommands(console, log)
}
