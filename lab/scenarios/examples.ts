import { readdirSync } from 'node:fs'
import { command } from '../src/dom0/command.js'
import type { Scenario } from '../src/scenario.js'

/** Where dom0 has the project's examples, built. */
const EXAMPLES = new URL('../../../examples/dist/', import.meta.url)

/** They boot an emulated machine of their own: another world makes no difference to them. */
const WITHOUT_WORLD = ['04-machine']

export const scenario: Scenario = {
  name: 'examples',
  summary: 'the examples, unchanged, with real Xen as their world',
  limitSeconds: 240,
  async run(lab) {
    const names = readdirSync(EXAMPLES).filter((name) => /^\d\d-/.test(name) && !WITHOUT_WORLD.includes(name))
    if (names.length === 0) throw new Error('there are no examples in dom0')
    for (const name of names) {
      await lab.check(`${name} runs to its end`, async () => {
        const main = new URL(`${name}/main.js`, EXAMPLES).pathname
        const { output } = await command(process.execPath, [main, '--real'], { seconds: 60 })
        const last = output.trimEnd().split('\n').at(-1) ?? ''
        lab.say(`${name}: ${last}`)
        if (!/nothing is left open|words echoed/.test(last)) throw new Error(`it ended with "${last}"`)
      })
    }
  },
}
