import { concatBytes, PAYLOAD_MAX_BYTES, packStrings } from '@split-driver/xenbus'
import type { Children } from '../tree/children.js'
import type { TreeNode } from '../tree/tree.js'

const END = Uint8Array.of(0)

/** Listings that are read in parts, as long as their directories are what they are: building one anew for each part is slow. */
const listings = new WeakMap<Children<TreeNode>, Uint8Array>()

/** Names of the children, each with its NUL. */
const namesOf = ({ children, listingBytes }: TreeNode): Uint8Array => {
  const names = new Uint8Array(listingBytes)
  let at = 0
  for (const [name] of children.entries()) {
    for (let i = 0; i < name.length; i++) names[at++] = name.charCodeAt(i)
    at += END.length
  }
  return names
}

/** Names of the children, each with its NUL; `undefined` if they are more than a reply holds (rule 50). */
export const listingBody = (node: TreeNode): Uint8Array | undefined =>
  node.listingBytes > PAYLOAD_MAX_BYTES ? undefined : namesOf(node)

/** Changes whenever the node or its listing does: a client that reads in parts begins again then (rule 50). */
const generationOf = ({ generation, listingGeneration }: TreeNode): number => Math.max(generation, listingGeneration)

/**
 * The generation, then as many whole names from `offset` on as there is room for, then one more NUL after the last.
 * @param offset in the bytes of the whole listing
 * @see docs/misc/xenstore.txt DIRECTORY_PART
 */
export const listingPartBody = (node: TreeNode, offset: number): Uint8Array => {
  const generation = packStrings(String(generationOf(node)))
  const names = listings.get(node.children) ?? namesOf(node)
  const rest = names.subarray(offset)
  const room = PAYLOAD_MAX_BYTES - generation.length - END.length
  if (rest.length <= room) return concatBytes(generation, rest, END)
  listings.set(node.children, names)
  return concatBytes(generation, rest.subarray(0, rest.lastIndexOf(0, room - 1) + 1))
}
