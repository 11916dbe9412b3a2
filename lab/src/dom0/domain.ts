import { writeFileSync } from 'node:fs'
import { domid as asDomid, type Domid } from '@split-driver/abi'
import type { Lab } from '../scenario.js'
import { command } from './command.js'
import { GUEST_KERNEL } from './guest-image.js'
import { until } from './patience.js'

/** Seconds under pure emulation. */
const CREATE_SECONDS = 120
const END_SECONDS = 60

export interface DomainPlan {
  readonly name: string
  readonly image: string
  readonly memoryMiB: number
  readonly kernelArguments: string
  /** Disks that libxl attaches. @see xl-disk-configuration(5) */
  readonly disks?: readonly string[]
}

/** Builds a domain that is paused yet. */
export const createDomain = async (lab: Lab, plan: DomainPlan): Promise<Domid> => {
  const settings = [
    `name = "${plan.name}"`,
    'type = "pv"',
    `kernel = "${GUEST_KERNEL}"`,
    `ramdisk = "${plan.image}"`,
    `memory = ${plan.memoryMiB}`,
    'vcpus = 1',
    `disk = ${JSON.stringify(plan.disks ?? [])}`,
    `extra = "console=hvc0 rdinit=/init panic=-1 ${plan.kernelArguments}"`,
  ]
  const file = `${lab.folder}/${plan.name}.cfg`
  writeFileSync(file, `${settings.join('\n')}\n`)
  // -e: no xl stays behind to watch the domain; what becomes of it is the scenario's to say.
  await command('xl', ['create', '-p', '-e', '-q', file], { seconds: CREATE_SECONDS })
  return asDomid(Number((await command('xl', ['domid', plan.name])).output))
}

/** Idempotent: one that is gone already is what was wanted. */
export const destroyDomain = async (domid: Domid): Promise<void> => {
  if (await hasGone(domid)) return
  await command('xl', ['destroy', String(domid)], { statuses: [0, 1] })
  await until(END_SECONDS, `domain ${domid} to be gone: a page of it may still be mapped`, () => hasGone(domid))
}

const hasGone = async (domid: Domid): Promise<boolean> =>
  !(await listed()).some((fields) => fields.at(-5) === String(domid))

/** It has ended itself, and waits to be destroyed. */
export const hasShutDown = async (domid: Domid): Promise<boolean> =>
  (await listed()).some((fields) => fields.at(-5) === String(domid) && fields.at(-2)?.includes('s'))

/** `Name ID Mem VCPUs State Time(s)`; a domain that is dying still has a line, though maybe no name. */
const listed = async (): Promise<string[][]> =>
  (await command('xl', ['list'])).output
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
