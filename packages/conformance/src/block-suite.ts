import { blockEndCases } from './block-end-cases.js'
import { blockTransferCases } from './block-transfer-cases.js'
import { defineSuite } from './suite.js'

/** Virtual disks as rules 11 to 24 and 32 to 37 have them, between guests and a backend in the control domain. */
export const blockSuite = defineSuite('block', [...blockTransferCases, ...blockEndCases])
