import { writeFileSync } from 'node:fs'
import type { Domid } from '@split-driver/abi'
import type { Lab } from '../../scenario.js'
import { createDomain, destroyDomain } from '../domain.js'

/** A domain that exists and never runs: for what is granted, or offered, to somebody else. It ends with the scenario. */
export const createStranger = async (lab: Lab): Promise<Domid> => {
  const image = `${lab.folder}/nothing.img`
  writeFileSync(image, new Uint8Array(4096))
  const domid = await createDomain(lab, { name: 'stranger', image, memoryMiB: 128, kernelArguments: '' })
  lab.atEnd(() => destroyDomain(domid))
  return domid
}
