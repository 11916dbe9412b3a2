// A process of its own for one scenario: `node run-scenario.js NAME`. Started by the agent it reports over Node's channel;
// started by hand, in words on standard output.

import type { ScenarioEvent } from '../protocol.js'
import type { Scenario } from '../scenario.js'
import { describeError, runScenario } from './scenario-process.js'

/** What a scenario left open keeps its process; after so long it is a failure of its own. */
const endLimitMs = 10_000

const sent: Promise<void>[] = []

/** To the agent, or in words to whoever started this by hand. */
function tell(event: ScenarioEvent): void {
  if (process.send === undefined) process.stdout.write(`${Object.values(event).join(': ')}\n`)
  else sent.push(new Promise((resolve) => process.send?.(event, undefined, undefined, () => resolve())))
}

async function loadScenario(name: string): Promise<Scenario> {
  const { scenario } = await import(new URL(`../../scenarios/${name}.js`, import.meta.url).href)
  return scenario
}

async function main(name: string) {
  try {
    await runScenario(await loadScenario(name), tell)
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    process.exitCode = 1
  }
  await Promise.all(sent)
  if (process.connected) process.disconnect()
  const stuck = setTimeout(() => {
    process.stderr.write(
      `the scenario is over, and its process is kept by ${process.getActiveResourcesInfo().join(', ')}\n`,
    )
    process.exit(1)
  }, endLimitMs)
  stuck.unref()
}

const [, , name] = process.argv
if (name === undefined) throw new Error('usage: node run-scenario.js NAME')
await main(name)
