import type { Command } from 'commander'
import { diagnose } from '../doctor/diagnose.js'
import { doctorTable } from '../doctor/doctor-table.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'

const HELP = `
Looks only: opens no device node and changes nothing. Exit code 0 if every daemon could run here, else 1.

Examples:
  split-driver doctor
  split-driver doctor --json | jq .daemons`

/** `split-driver doctor`. */
export const addDoctor = (program: Command, host: CommandHost): void => {
  program
    .command('doctor')
    .description('say what this host offers to the daemons, and what is missing')
    .option('--json', 'print one JSON document in place of the table', false)
    .addHelpText('after', HELP)
    .action(async ({ json }: { readonly json: boolean }) => host.finish(await doctor(json, host)))
}

const doctor = async (json: boolean, host: CommandHost): Promise<ExitCode> => {
  const report = await host.inspectHost()
  const diagnosis = diagnose(report)
  const okay = diagnosis.daemons.every(({ lacks }) => lacks.length === 0)
  process.stdout.write(
    json ? `${JSON.stringify({ okay, ...diagnosis, host: report }, null, 2)}\n` : doctorTable(diagnosis, hasColours()),
  )
  return okay ? ExitCode.Okay : ExitCode.Failed
}

/** @see https://no-color.org */
const hasColours = (): boolean => process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
