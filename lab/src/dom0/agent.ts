// Runs in dom0, asked by the host over standard input and output: the machine's second serial port.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { encodeLine, LineReader, type Report, type Request, type ScenarioEvent, type Versions } from '../protocol.js'
import { Dom0State } from './dom0-state.js'
import { outcomeOf } from './limited-child.js'

/** The host says something every ten seconds while it lives. */
const silenceLimitMs = 120_000
const complaintLimit = 20_000

type ScenarioRequest = Extract<Request, { ask: 'scenario' }>

const tell = (report: Report) => void process.stdout.write(encodeLine(report))

function versions(): Versions {
  const part = (name: string) => readFileSync(`/sys/hypervisor/version/${name}`, 'utf8').trim()
  return { xen: `${part('major')}.${part('minor')}${part('extra')}`, linux: release(), node: process.versions.node }
}

async function runScenario({ name, limitSeconds, ruinsDom0 = false }: ScenarioRequest) {
  const before = ruinsDom0 ? undefined : await Dom0State.look()
  const start = performance.now()
  const { outcome, complaint } = await runChild(name, limitSeconds)
  const seconds = (performance.now() - start) / 1000
  const leaks = (await before?.leaksUntilNow()) ?? []
  const failures = [...failureOf(outcome, complaint), ...leaks.map((leak) => `dom0 is not as before: ${leak}`)]
  const clean = !ruinsDom0 && leaks.length === 0 && typeof outcome === 'number'
  tell({ tell: 'scenario ends', seconds, clean, ...(failures.length > 0 && { failure: failures.join('\n') }) })
}

async function runChild(name: string, limitSeconds: number) {
  const program = fileURLToPath(new URL('run-scenario.js', import.meta.url))
  const child = spawn(process.execPath, [program, name], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true })
  let complaint = ''
  child.on('message', (event) => tell(event as ScenarioEvent))
  child.stdout?.setEncoding('utf8').on('data', sayLines)
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintLimit)
  })
  const outcome = await outcomeOf(child, limitSeconds)
  if (outcome === 0 && complaint !== '') sayLines(complaint)
  return { outcome, complaint }
}

function sayLines(text: string) {
  for (const line of text.trimEnd().split('\n')) tell({ tell: 'say', line })
}

function failureOf(outcome: number | string, complaint: string): string[] {
  if (outcome === 0) return []
  const reason = typeof outcome === 'number' ? '' : outcome
  return [[reason, complaint.trim()].filter((part) => part !== '').join('\n') || `exit code ${outcome}`]
}

async function runCommand(command: string, limitSeconds: number) {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => tell({ tell: 'output', text }))
  }
  const outcome = await outcomeOf(child, limitSeconds)
  if (typeof outcome === 'string') tell({ tell: 'output', text: `${outcome}\n` })
  tell({ tell: 'command ends', code: typeof outcome === 'number' ? outcome : 1 })
}

async function answer(request: Request) {
  if (request.ask === 'scenario') await runScenario(request)
  if (request.ask === 'command') await runCommand(request.command, request.limitSeconds)
  if (request.ask === 'end') process.exit(0)
}

/** The agent itself failed, for instance because a tool that looks at dom0 did not answer. */
function giveUp({ ask }: Request, error: Error) {
  const failure = `the agent in dom0 failed: ${error.stack}`
  process.stderr.write(`${failure}\n`)
  if (ask === 'scenario') tell({ tell: 'scenario ends', seconds: 0, clean: false, failure })
  if (ask === 'command') tell({ tell: 'command ends', code: 1 })
}

const silence = setTimeout(() => process.exit(1), silenceLimitMs)
const reader = new LineReader<Request>(
  (request) => {
    silence.refresh()
    answer(request).catch((error: Error) => giveUp(request, error))
  },
  (line) => process.stderr.write(`agent: not a request: ${line}\n`),
)
process.stdin.on('data', (bytes) => reader.push(bytes))
tell({ tell: 'ready', versions: versions() })
