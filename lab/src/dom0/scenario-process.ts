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
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} failures`)
  if (failures.length === 1) throw failures[0]
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
        report({ tell: 'check ends', what, seconds: seconds(), failure: describeError(error) })
        throw error
      }
    },
    figure: (name, value, unit) => report({ tell: 'figure', name, value, unit }),
    notRun: (what, reason) => report({ tell: 'not run', what, reason }),
    say: (line) => report({ tell: 'say', line }),
    atEnd: (undo) => undos.push(undo),
  }
}

/** An error with what caused it, or all that it stands for, as text. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError) return [error.message, ...error.errors.map(describeError)].join('\n')
  const cause = error.cause === undefined ? '' : `\ncaused by ${describeError(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
