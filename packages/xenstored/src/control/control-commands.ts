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
  /** Commands that whoever runs the server adds. */
  readonly more?: readonly ControlCommand[] | undefined
}

/** What a server may be told by CONTROL, by name, in the order of `help`. */
export const controlCommands = (options: ControlCommandsOptions): ReadonlyMap<string, ControlCommand> => {
  const { console, observers, more = [] } = options
  const writing = console === undefined ? [] : logCommands(console, new TraceLog(console, observers))
  const commands = [checkCommand(console), ...writing, ...more, quotaCommand, softQuotaCommand, helpCommand]
  return new Map(commands.map((command) => [command.name, command]))
}
