// Runs in dom0, asked by the host over standard input and output: the machine's second serial port.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { encodeLine, LineReader, type Report, type Request, type ScenarioEvent, type Versions } from '../protocol.js'
import { Dom0State } from './dom0-state.js'

const silenceLimitMs = 120_000
const failureTextLimit = 20_000

const tell = (report: Report) => void process.stdout.write(encodeLine(report))

function versions(): Versions {
  const part = (name: string) => readFileSync(`/sys/hypervisor/version/${name}`, 'utf8').trim()
  return { xen: `${part('major')}.${part('minor')}${part('extra')}`, linux: release(), node: process.versions.node }
}

/** Ends `child` and all that it started when it takes too long. @returns its exit code, or the reason why it has none */
function outcomeOf(child: ChildProcess, limitSeconds: number): Promise<number | string> {
  return new Promise((resolve) => {
    let expired = false
    const timer = setTimeout(() => {
      expired = true
      killGroup(child)
    }, limitSeconds * 1000)
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      if (expired) resolve(`not done after ${limitSeconds} s`)
      else resolve(code ?? `ended by ${signal}`)
    })
  })
}

function killGroup(child: ChildProcess) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}

async function runScenario(name: string, limitSeconds: number) {
  const before = await Dom0State.look()
  const start = performance.now()
  const program = fileURLToPath(new URL('run-scenario.js', import.meta.url))
  const child = spawn(process.execPath, [program, name], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true })
  let complaint = ''
  const sayLines = (text: string) => {
    for (const line of text.trimEnd().split('\n')) tell({ tell: 'say', line })
  }
  child.on('message', (event) => tell(event as ScenarioEvent))
  child.stdout?.setEncoding('utf8').on('data', sayLines)
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-failureTextLimit)
  })
  const outcome = await outcomeOf(child, limitSeconds)
  const seconds = (performance.now() - start) / 1000
  if (outcome === 0 && complaint !== '') sayLines(complaint)
  const leaks = await before.leaksUntilNow()
  const failures = [...failureOf(outcome, complaint), ...leaks.map((leak) => `dom0 is not as before: ${leak}`)]
  const clean = leaks.length === 0 && typeof outcome === 'number'
  tell({ tell: 'scenario ends', seconds, clean, ...(failures.length > 0 && { failure: failures.join('\n') }) })
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
  if (request.ask === 'scenario') await runScenario(request.name, request.limitSeconds)
  if (request.ask === 'command') await runCommand(request.command, request.limitSeconds)
  if (request.ask === 'end') process.exit(0)
}

const silence = setTimeout(() => process.exit(1), silenceLimitMs)
const reader = new LineReader<Request>(
  (request) => {
    silence.refresh()
    answer(request).catch((error: Error) => process.stderr.write(`agent: ${error.stack}\n`))
  },
  (line) => process.stderr.write(`agent: not a request: ${line}\n`),
)
process.stdin.on('data', (bytes) => reader.push(bytes))
tell({ tell: 'ready', versions: versions() })
