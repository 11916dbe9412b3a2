import { concatBytes, PAYLOAD_MAX_BYTES, packStrings } from '@split-driver/xenbus'
import type { TreeNode } from '../tree/tree.js'

const END = Uint8Array.of(0)

/** Names of the children, each with its NUL. */
export const listingBody = ({ children }: TreeNode): Uint8Array =>
  packStrings(...Array.from(children.entries(), ([name]) => name))

/** Changes whenever the node or its listing does: a client that reads in parts begins again then (rule 50). */
const generationOf = ({ generation, listingGeneration }: TreeNode): number => Math.max(generation, listingGeneration)

/**
 * The generation, then as many whole names from `offset` on as there is room for, then one more NUL after the last.
 * @param offset in the bytes of the whole listing
 * @see docs/misc/xenstore.txt DIRECTORY_PART
 */
export const listingPartBody = (node: TreeNode, offset: number): Uint8Array => {
  const generation = packStrings(String(generationOf(node)))
  const rest = listingBody(node).subarray(offset)
  const room = PAYLOAD_MAX_BYTES - generation.length - END.length
  if (rest.length <= room) return concatBytes(generation, rest, END)
  return concatBytes(generation, rest.subarray(0, rest.lastIndexOf(0, room - 1) + 1))
}
