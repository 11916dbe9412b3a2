import { defineSuite } from './suite.js'
import { callCases } from './xenstore-call-cases.js'
import { domainCases } from './xenstore-domain-cases.js'
import { nodeCases } from './xenstore-node-cases.js'
import { permissionCases } from './xenstore-permission-cases.js'
import { transactionCases } from './xenstore-transaction-cases.js'
import { watchCases } from './xenstore-watch-cases.js'
import { wireCases } from './xenstore-wire-cases.js'

/** XenStore as rules 38 to 56 have it, through the `XenStore` of two domains and more, and by the bytes of its wire. */
export const xenstoreSuite = defineSuite('XenStore', [
  ...nodeCases,
  ...permissionCases,
  ...watchCases,
  ...transactionCases,
  ...callCases,
  ...wireCases,
  ...domainCases,
])
