import { Command } from 'commander'

/** The long options of Xen's tools: one list for all of them, whichever takes which. @see xen/tools/xs-clients */
const LONG_OPTIONS = ['help', 'flat', 'prefix', 'tidy', 'upto', 'recurse', 'number', 'raw', 'depth']

/**
 * A command in the place of one of Xen's tools: their long options may be cut short, as getopt_long has it, while those that
 * are ours alone are spelt out. What is ambiguous is so also where only one of the two would make sense.
 */
export class XenToolCommand extends Command {
  /** Values, which are numbers and paths, do not begin with two dashes: whatever does is an option. */
  override parseOptions(args: string[]): ReturnType<Command['parseOptions']> {
    const dashes = args.indexOf('--')
    const end = dashes < 0 ? args.length : dashes
    return super.parseOptions([...args.slice(0, end).map((word) => this.#spelt(word)), ...args.slice(end)])
  }

  #spelt(word: string): string {
    const [, name, value = ''] = word.match(/^--([^=]+)(=.*)?$/s) ?? []
    if (name === undefined || this.#isWhole(name)) return word
    const candidates = LONG_OPTIONS.filter((option) => option.startsWith(name))
    if (candidates.length > 1) {
      const possibilities = candidates.map((option) => `--${option}`).join(' ')
      this.error(`error: option '${word}' is ambiguous: ${possibilities}`, { code: 'commander.unknownOption' })
    }
    return candidates[0] === undefined ? word : `--${candidates[0]}${value}`
  }

  #isWhole(name: string): boolean {
    return LONG_OPTIONS.includes(name) || this.options.some(({ long }) => long === `--${name}`)
  }
}
