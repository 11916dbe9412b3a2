import type { ControlCommand } from './control-command.js'

export const helpCommand: ControlCommand = {
  name: 'help',
  usage: '',
  run: ({ host, parameters, respond }) => {
    if (parameters.length > 0) return 'EINVAL'
    const rows = [...host.commands.values()].map(({ name, usage }) => `${name.padEnd(15)} ${usage}\n`)
    respond(rows.join(''))
    return undefined
  },
}
