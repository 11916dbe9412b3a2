import { type Domid, domid } from '@split-driver/abi'
import { virtualDeviceName } from '@split-driver/blkif'

/** Whose disk it is, as a log names it. */
export interface ServedDisk {
  readonly domid: Domid
  /** `xvda`, or the number where it stands for no name. */
  readonly device: string
  /** The backend's directory: `backend/vbd/1/51712`. */
  readonly path: string
}

/** @param path a backend's directory, `backend/<kind>/<domid>/<virtual device>` */
export const servedDisk = (path: string): ServedDisk => {
  const [, , owner, device = ''] = path.split('/')
  const name = /^\d{1,9}$/.test(device) ? virtualDeviceName(Number(device)) : undefined
  return { domid: domid(Number(owner)), device: name ?? device, path }
}
