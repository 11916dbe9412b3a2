import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'

export interface DemoOptions {
  readonly guests: number
  /** All domains in one thread. */
  readonly inline: boolean
  readonly disk: string | undefined
  readonly json: boolean
}

const MOST_GUESTS = 16

const guestCount = (text: string): number => {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= MOST_GUESTS) return count
  throw new InvalidArgumentError(`give a whole number from 1 to ${MOST_GUESTS}.`)
}

/** Reads the command line; prints usage and exits with 2 if it makes no sense. */
export const readOptions = (argv: readonly string[]): DemoOptions => {
  const command = new Command('npm run demo --')
    .description('Boots an emulated machine whose guests mount real ext4 disks through split drivers.')
    .option('--guests <n>', 'how many guests to boot', guestCount, 2)
    .option('--inline', 'run all domains in one thread instead of one worker each', false)
    .option('--disk <path>', 'an ext4 image to give to the guests; each works on a copy')
    .option('--json', 'print one JSON document on standard output in place of the report', false)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  command.parse(argv, { from: 'user' })
  const options = command.opts<{ guests: number; inline: boolean; disk?: string; json: boolean }>()
  return {
    ...options,
    disk: options.disk === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? '.', options.disk),
  }
}
