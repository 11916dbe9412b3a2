import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Scenario } from '../scenario.js'
import { UsageError } from './usage-error.js'

const folder = fileURLToPath(new URL('../../scenarios', import.meta.url))
/** Without it, no other can be trusted. */
const first = 'smoke'

/** All scenarios in the order in which they run. */
export async function allScenarios(): Promise<Scenario[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'))
  const scenarios = await Promise.all(files.map(load))
  return scenarios.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

/**
 * Those that want another XenStore daemon come last: one further boot serves all of them. Of those of one boot, who ruins it
 * comes last.
 */
const rank = ({ name, storeDaemon = 'xenstored', ruinsDom0 = false }: Scenario) =>
  name === first ? '' : `${storeDaemon === 'xenstored' ? 0 : 1} ${ruinsDom0 ? 1 : 0} ${name}`

async function load(file: string): Promise<Scenario> {
  const { scenario } = await import(pathToFileURL(join(folder, file)).href)
  if (scenario?.name !== file.slice(0, -'.js'.length))
    throw new Error(`lab/scenarios/${file} exports no scenario of that name`)
  return scenario
}

/** Those named, in the order of all. @throws UsageError for a name that there is not */
export function chosenScenarios(all: readonly Scenario[], names: readonly string[]): Scenario[] {
  const unknown = names.filter((name) => !all.some((scenario) => scenario.name === name))
  if (unknown.length === 0) return all.filter(({ name }) => names.length === 0 || names.includes(name))
  throw new UsageError(`no scenario ${unknown.join(', ')}; there is ${all.map(({ name }) => name).join(', ')}`)
}
