import { controlDifferences } from './differences/control.js'
import { domainDifferences } from './differences/domains.js'
import { nodeDifferences } from './differences/nodes.js'
import { permissionDifferences } from './differences/permissions.js'
import { omissions, requestDifferences } from './differences/requests.js'
import { transactionDifferences } from './differences/transactions.js'
import { watchDifferences } from './differences/watches.js'
import type { Difference, Omission } from './differential/difference.js'

/** Where the three daemons answer differently, and why ours answers as it does. */
export const differences: readonly Difference[] = [
  ...requestDifferences,
  ...nodeDifferences,
  ...permissionDifferences,
  ...transactionDifferences,
  ...watchDifferences,
  ...domainDifferences,
  ...controlDifferences,
]

/** What one of the originals is not asked. */
export const notAsked: readonly Omission[] = omissions
