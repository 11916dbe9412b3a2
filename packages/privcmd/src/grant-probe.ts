import type { Domid, GrantRef, XenError } from '@split-driver/abi'
import { GrantStatus, grantError } from '@split-driver/grant'
import type { GrantCopier } from './grant-copier.js'

/**
 * The error of a mapping that the kernel refused as a whole. It does not tell which reference was to blame: each is looked
 * at in its turn. A copy of one byte out of the page shows Xen's own status; what can be read but not mapped is a grant
 * that does not allow it, such as a read-only one that is to be written (Xen calls that a general error).
 *
 * @param canMap tries one reference by itself
 */
export const whichRefFailed = (
  copier: GrantCopier,
  remoteDomid: Domid,
  refs: readonly GrantRef[],
  canMap: (ref: GrantRef) => boolean,
): XenError => {
  for (const [index, gref] of refs.entries()) {
    const probed = copier.probe(remoteDomid, { ref: gref, offset: 0 })
    const status = probed < 0 || canMap(gref) ? probed : GrantStatus.GNTST_general_error
    if (status < 0)
      return grantError(status, `reference ${gref} of domain ${remoteDomid} cannot be mapped`, {
        remoteDomid,
        gref,
        index,
      })
  }
  return grantError(
    GrantStatus.GNTST_general_error,
    `one of ${refs.length} references of domain ${remoteDomid} could not be mapped, and can be now`,
    { remoteDomid, refs },
  )
}
