import type { Domid } from '@split-driver/abi'
import type { Permission, XenStoreOperations } from '@split-driver/xenbus'

/**
 * Reads a key that only the control domain may have written. A key that the served domain owns, or that anybody but its
 * owner may write, was perhaps forged: it counts as missing.
 * @param trusted who may own the key
 */
export const readTrusted = async (
  store: XenStoreOperations,
  path: string,
  trusted: readonly Domid[],
): Promise<string | undefined> => {
  const value = await store.tryRead(path)
  if (value === undefined) return undefined
  const [owner, ...others] = await store.getPermissions(path)
  if (owner === undefined || !trusted.includes(owner.domid) || mayWrite(owner)) return undefined
  return others.some((entry) => mayWrite(entry) && !trusted.includes(entry.domid)) ? undefined : value
}

/** The owner's own entry speaks of everybody who is not named (rule 42). */
const mayWrite = ({ kind }: Permission): boolean => kind === 'write' || kind === 'both'
