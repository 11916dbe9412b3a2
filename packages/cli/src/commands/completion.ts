import { Argument, type Command } from 'commander'
import { completeWords } from '../completion/complete-words.js'
import { type Shell, shellScripts, shells } from '../completion/shell-scripts.js'
import { ControlClient } from '../control/control-client.js'
import { defaultSocketPath } from '../control/socket-path.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'

const HELP = `
Examples:
  source <(split-driver completion bash)
  split-driver completion zsh >"\${fpath[1]}/_split-driver"
  split-driver completion fish >~/.config/fish/completions/split-driver.fish`

/** `split-driver completion`, and what its scripts call. */
export const addCompletion = (program: Command, host: CommandHost): void => {
  program
    .command('completion')
    .description('print what completes commands, options and domains in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText('after', HELP)
    .action((shell: Shell) => {
      process.stdout.write(shellScripts[shell])
      host.finish(ExitCode.Okay)
    })
  program
    .command('complete', { hidden: true })
    .argument('[word...]', 'what is typed so far')
    .action(async (words: string[]) => {
      for (const word of await completeWords(program, words, domainNames)) process.stdout.write(`${word}\n`)
      host.finish(ExitCode.Okay)
    })
}

/** Where no machine answers, there is nothing to offer, and nothing to say. */
const domainNames = async (): Promise<readonly string[]> => {
  try {
    using client = await ControlClient.connect(defaultSocketPath())
    return (await client.request('list', {})).map(({ name }) => name)
  } catch {
    return []
  }
}
