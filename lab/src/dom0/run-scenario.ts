// A process of its own for one scenario: `node run-scenario.js NAME`. Started by the agent it reports over Node's channel;
// started by hand, in words on standard output.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScenarioEvent } from '../protocol.js'
import type { Lab, Scenario } from '../scenario.js'

type Undo = () => Promise<void> | void

/** Runs the scenario and then all that was to be undone, last first. Throws the first failure, after all is undone. */
export async function runScenario(scenario: Scenario, report: (event: ScenarioEvent) => void): Promise<void> {
  const undos: Undo[] = []
  const failures: unknown[] = []
  const attempt = async (body: Undo) => {
    try {
      await body()
    } catch (error) {
      failures.push(error)
    }
  }
  const folder = mkdtempSync(join(tmpdir(), `${scenario.name}-`))
  await attempt(() => scenario.run(labOf(folder, undos, report)))
  for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) await attempt(undo)
  if (failures.length > 0) throw failures[0]
}

function labOf(folder: string, undos: Undo[], report: (event: ScenarioEvent) => void): Lab {
  return {
    folder,
    async check(what, body) {
      report({ tell: 'check begins', what })
      const start = performance.now()
      const seconds = () => (performance.now() - start) / 1000
      try {
        const value = await body()
        report({ tell: 'check ends', what, seconds: seconds() })
        return value
      } catch (error) {
        report({ tell: 'check ends', what, seconds: seconds(), failure: describe(error) })
        throw error
      }
    },
    figure: (name, value, unit) => report({ tell: 'figure', name, value, unit }),
    notRun: (what, reason) => report({ tell: 'not run', what, reason }),
    say: (line) => report({ tell: 'say', line }),
    atEnd: (undo) => undos.push(undo),
  }
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

async function loadScenario(name: string): Promise<Scenario> {
  const { scenario } = await import(new URL(`../../scenarios/${name}.js`, import.meta.url).href)
  return scenario
}

/** To the agent, or in words to whoever started this by hand. */
function tell(event: ScenarioEvent): void {
  if (process.send !== undefined) process.send(event)
  else process.stdout.write(`${Object.values(event).join(': ')}\n`)
}

async function main(name: string) {
  try {
    await runScenario(await loadScenario(name), tell)
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`)
    process.exitCode = 1
  }
  // What a scenario left open would keep this process; the agent's look at dom0 tells whether anything was left.
  if (process.connected) process.disconnect()
}

const [, program, name] = process.argv
if (program !== undefined && import.meta.url.endsWith('run-scenario.js') && name !== undefined) await main(name)
