export { assert, assertEqual, assertList, assertRejects, assertThrows, ConformanceFailure } from './assert.js'
export { type BlockStoreRequest, type BlockStoreSuiteOptions, blockStoreSuite } from './block-store-suite.js'
export { blockSuite } from './block-suite.js'
export { consoleSuite } from './console-suite.js'
export { CountingMemory } from './counting-memory.js'
export { eventChannelSuite } from './event-channel-suite.js'
export { grantSuite } from './grant-suite.js'
export { assertLedgerEmpty } from './ledger.js'
export { type AccountablePlatform, type LoopbackOptions, LoopbackWorld } from './loopback/loopback-world.js'
export { SlowClock } from './loopback/slow-clock.js'
export type { RingShape } from './ring-model/ring-model.js'
export {
  RING_FIRST_INDICES,
  RING_MAX_ORDER,
  RING_SLOT_BYTES,
  runRingSchedule,
} from './ring-model/run-ring-schedule.js'
export { SeededRandom } from './seeded-random.js'
export type { Suite, SuiteCase, SuiteOptions, SuiteRandom } from './suite.js'
export { defineSuite } from './suite.js'
export { eventually, PATIENCE_MS, quiet, within } from './wait.js'
export type { DeviceHandle, GuestConsole, GuestHandle, GuestOptions, Toolstack, World } from './world.js'
export { type StoreModelOptions, StoreModelRun, type StoreUnderTest } from './xenstore-model/run-store-model.js'
export { CHOICES, chooseOperation, type StoreOperation } from './xenstore-model/store-operation.js'
export { type ServerUnderTest, StoreOverChannels } from './xenstore-model/store-over-channels.js'
export type { ModelLimits } from './xenstore-model/xenstore-model.js'
export { xenstoreSuite } from './xenstore-suite.js'
export { headerOf, settle, shownEvent, shownReply, XenStoreWireClient } from './xenstore-wire-client.js'
