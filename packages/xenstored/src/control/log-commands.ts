import { XenError } from '@split-driver/abi'
import { type WireError, wireError } from '@split-driver/xenbus'
import type { ControlCommand, ControlExchange } from './control-command.js'
import { memoryReport } from './memory-report.js'
import type { ServerConsole } from './server-console.js'
import { appendTo, TRACE_SWITCHES, type TraceLog } from './trace-log.js'

/** Answers OK, or with what the system said. */
const attempt = ({ respond }: ControlExchange, action: () => void): WireError | undefined => {
  try {
    action()
  } catch (error) {
    if (XenError.is(error)) return wireError(error.code)
    throw error
  }
  respond('OK')
  return undefined
}

const switchOf = (text: string) => TRACE_SWITCHES.find((name) => name === text.slice(1))

const logCommand = (log: TraceLog): ControlCommand => ({
  name: 'log',
  usage: '[on|off|+<switch>|-<switch>]',
  run: (exchange) => {
    const [what, ...others] = exchange.parameters
    if (what === undefined) {
      const rows = TRACE_SWITCHES.map((name) => `${name.padEnd(8)}: ${log.on.has(name) ? 'on' : 'off'}\n`)
      exchange.respond(`Log switch settings:\n${rows.join('')}`)
      return undefined
    }
    const named = switchOf(what)
    if (others.length > 0) return 'EINVAL'
    if (what === 'on') return attempt(exchange, () => log.start())
    if (what === 'off') return attempt(exchange, () => log.stop())
    if (named === undefined) return 'EINVAL'
    if (what.startsWith('+')) log.on.add(named)
    else if (what.startsWith('-')) log.on.delete(named)
    else return 'EINVAL'
    exchange.respond('OK')
    return undefined
  },
})

const logFileCommand = (log: TraceLog): ControlCommand => ({
  name: 'logfile',
  usage: '<file>',
  run: (exchange) => {
    const [name, ...others] = exchange.parameters
    return name && others.length === 0 ? attempt(exchange, () => log.startAt(name)) : 'EINVAL'
  },
})

const memReportCommand = (console: ServerConsole, log: TraceLog): ControlCommand => ({
  name: 'memreport',
  usage: '[<file>]',
  run: (exchange) => {
    const [name, ...others] = exchange.parameters
    if (others.length > 0) return 'EINVAL'
    const report = memoryReport(exchange.host)
    return attempt(exchange, () => (name ? appendTo(console, name, report) : log.append(report)))
  },
})

const printCommand = (console: ServerConsole): ControlCommand => ({
  name: 'print',
  usage: '<string>',
  run: (exchange) => {
    const [text, ...others] = exchange.parameters
    if (text === undefined || others.length > 0) return 'EINVAL'
    return attempt(exchange, () => console.print(`control: ${text}`))
  },
})

/** The commands that write somewhere. */
export const logCommands = (console: ServerConsole, log: TraceLog): ControlCommand[] => [
  logCommand(log),
  logFileCommand(log),
  memReportCommand(console, log),
  printCommand(console),
]
