// Stands for QEMU: speaks the agent's side of the protocol on file descriptor 3. Its argument is a file whose lines say
// what each scenario of this boot does; a boot takes one line of words.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'

const [, , scriptFile, logFile] = process.argv
const [line = '', ...laterBoots] = readFileSync(scriptFile, 'utf8').split('\n')
writeFileSync(scriptFile, laterBoots.join('\n'))
const acts = line.split(' ')
appendFileSync(logFile, 'boot\n')
process.stdout.write('(XEN) a line of the console\n')
if (acts[0] === 'no-boot') process.exit(1)

const agent = new Socket({ fd: 3 })
const tell = (message) => agent.write(`${JSON.stringify(message)}\n`)
let pending = ''
agent.on('data', (bytes) => {
  const lines = (pending + bytes).split('\n')
  pending = lines.pop()
  for (const text of lines) answer(JSON.parse(text))
})
tell({ tell: 'ready', versions: { xen: '4.99', linux: '6.99', node: '99' } })

function answer({ ask, name, ruinsDom0 }) {
  if (ask === 'end') process.exit(0)
  if (ask === 'scenario') act(acts.shift(), name, !ruinsDom0)
}

function act(kind, name, clean) {
  appendFileSync(logFile, `${kind} ${name}\n`)
  if (kind === 'die') {
    agent.write(`${JSON.stringify({ tell: 'check begins', what: 'dies' })}\n`, () => process.exit(9))
    return
  }
  tell({ tell: 'check begins', what: 'works' })
  const failure = kind === 'fail' || kind === 'leak' ? { failure: `${kind} on purpose` } : {}
  tell({ tell: 'check ends', what: 'works', seconds: 0.5, ...(kind === 'fail' ? failure : {}) })
  tell({ tell: 'figure', name: 'speed', value: 7, unit: 'm/s' })
  tell({ tell: 'scenario ends', seconds: 1, clean: clean && kind !== 'leak', ...failure })
}
