import { XenStoreOp } from '@split-driver/xenbus'
import { strings } from './choose-body.js'
import { stringsOf, wayTo } from './clients.js'
import { askInOneGo } from './holdings.js'
import type { WireConnection } from './wire-connection.js'

/** An entry of a node's permissions. */
export interface Entry {
  /** `n`, `r`, `w` or `b`. */
  readonly letter: string
  readonly domid: number
}

/** A node on the way to another one, as the control domain sees it outside of transactions. */
export interface StandingNode {
  readonly path: string
  readonly permissions: readonly Entry[]
}

/** The nodes that there are on the way to a path, from the root on; the last is the path's if it is there. */
export async function readAncestry(control: WireConnection, path: string): Promise<StandingNode[]> {
  const way = wayTo(path)
  const replies = await askInOneGo(
    control,
    way.map((step) => [XenStoreOp.GetPerms, strings(step)]),
  )
  return way.flatMap((step, i) => {
    const { type, body } = replies[i]!
    return type === XenStoreOp.Error ? [] : [{ path: step, permissions: stringsOf(body).map(entryOf) }]
  })
}

const entryOf = (text: string): Entry => ({ letter: text.slice(0, 1), domid: Number(text.slice(1)) })
