import { Command, Option } from 'commander'
import { expect, test } from 'vitest'
import { completeWords } from '../../src/completion/complete-words.js'

const program = new Command('p')
program.command('console').argument('<domain>').option('--read-only').option('-s, --socket <path>')
program.command('create').argument('<file>')
program.command('secret', { hidden: true })
program.command('daemon').addOption(new Option('--log-level <level>').choices(['info', 'warn']))
program.command('list').argument('[domain...]')
const store = program.command('xenstore')
store.command('read').argument('<path...>')
store.command('rm').argument('<path...>')

const domains = async () => ['Domain-0', 'mini']

test.each([
  ['c', ['console', 'create']],
  ['', ['console', 'create', 'daemon', 'list', 'xenstore', 'help']],
  ['xenstore r', ['read', 'rm']],
  ['xenstore read ', []],
  ['console ', ['Domain-0', 'mini']],
  ['console m', ['mini']],
  ['console mini ', []],
  ['list mini ', ['Domain-0', 'mini']],
  ['console --', ['--read-only', '--socket', '--help']],
  ['console --socket ', []],
  ['console -s /x m', ['mini']],
  ['console --read-only m', ['mini']],
  ['daemon --log-level ', ['info', 'warn']],
  ['daemon --log-level w', ['warn']],
  ['create ', []],
  ['nonsense x', []],
])('%j may go on with %j', async (line, expected) => {
  expect(await completeWords(program, line.split(' '), domains)).toEqual(expected)
})
