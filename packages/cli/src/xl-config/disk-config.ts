import { resolve } from 'node:path'
import { virtualDeviceName } from '@split-driver/blkif'
import { DiskSpecError, parseDiskSpec } from './disk-spec.js'
import type { DiskConfig } from './domain-config.js'
import { vdevNumber } from './virtual-device-number.js'

/**
 * A disk that this machine can give, from what xl-disk-configuration(5) can say.
 * @param folder where relative targets begin (xl begins at /dev)
 * @throws DiskSpecError for what makes no sense, and for what only a real host can do
 */
export const diskConfig = (parts: readonly string[], folder: string): DiskConfig => {
  const { target, format, vdev, access, cdrom, script, backend, specification } = parseDiskSpec(...parts)
  const refuse = (problem: string) => new DiskSpecError(`${problem}, which this machine cannot do`)
  if (format === 'empty') throw refuse('asks for an empty drive')
  if (format !== 'raw') throw refuse(`asks for the format ${format}`)
  if (script !== undefined) throw refuse(`asks for the script ${script}`)
  if (backend !== undefined && backend !== '0' && backend !== 'Domain-0')
    throw refuse(`asks for a backend in the domain ${backend}`)
  if (specification === 'virtio') throw refuse('asks for virtio')
  const virtualDevice = numberOf(vdev)
  const name = virtualDeviceName(virtualDevice) ?? String(virtualDevice)
  return { target: resolve(folder, target), vdev: name, virtualDevice, mode: access, cdrom }
}

const numberOf = (vdev: string): number => {
  try {
    return vdevNumber(vdev)
  } catch (error) {
    throw new DiskSpecError(error instanceof Error ? error.message : String(error))
  }
}
