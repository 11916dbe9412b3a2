import type { ControlCommand } from './control-command.js'
import type { ServerConsole } from './server-console.js'
import { findFaults } from './store-check.js'

/** Room for one line that says how many more there are. */
const REPLY_BYTES = 3500

/** `OK` if all is as it must be, else what is not: the original only logs that. */
export const checkCommand = (console: ServerConsole | undefined): ControlCommand => ({
  name: 'check',
  usage: '',
  run: ({ host, parameters, respond }) => {
    if (parameters.length > 0) return 'EINVAL'
    const faults = findFaults(host)
    for (const fault of faults) console?.print(`check: ${fault}`)
    respond(faults.length === 0 ? 'OK' : summaryOf(faults))
    return undefined
  },
})

const summaryOf = (faults: readonly string[]): string => {
  let text = ''
  for (const [index, fault] of faults.entries()) {
    if (text.length + fault.length > REPLY_BYTES) return `${text}and ${faults.length - index} more\n`
    text += `${fault}\n`
  }
  return text
}
