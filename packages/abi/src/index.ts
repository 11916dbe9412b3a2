export * from './console-io.js'
export * from './event-fifo.js'
export * from './fields.js'
export { FlatMemory } from './flat-memory.js'
export * from './hvm-param.js'
export type {
  ArrayField,
  BytesField,
  Field,
  Field64,
  FieldShapes,
  Infer,
  Layout,
  NestedField,
  Values,
  WordsField,
} from './layout.js'
export { struct } from './layout.js'
export * from './page.js'
export * from './scalars.js'
export * from './sched.js'
export * from './shared-info.js'
export * from './shared-info-32.js'
export type { SharedMemory } from './shared-memory.js'
export * from './start-info.js'
export * from './time.js'
export * from './vcpu-op.js'
export * from './version.js'
export * from './xen-error.js'
