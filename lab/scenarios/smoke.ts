import { execFileSync } from 'node:child_process'
import type { Scenario } from '../src/scenario.js'

const output = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' })

export const scenario: Scenario = {
  name: 'smoke',
  summary: 'Xen, dom0, XenStore and Node work',
  limitSeconds: 120,
  async run(lab) {
    await lab.check('xl info names the hypervisor', () => {
      if (!/^xen_version\s*: \d+\.\d+/m.test(output('xl', 'info'))) throw new Error('xl info says no xen_version')
    })
    await lab.check('dom0 is the only domain', () => {
      const domains = output('xl', 'list').trim().split('\n').slice(1)
      if (domains.length !== 1 || !domains[0].startsWith('Domain-0')) throw new Error(`xl list: ${domains.join('; ')}`)
    })
    await lab.check('XenStore keeps what is written', () => {
      output('xenstore-write', '/tool/split-driver', 'here')
      lab.atEnd(() => void output('xenstore-rm', '/tool/split-driver'))
      if (output('xenstore-read', '/tool/split-driver').trim() !== 'here') throw new Error('it read something else')
    })
  },
}
