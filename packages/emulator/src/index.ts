export type { AttachOptions } from './attach-options.js'
export type { BareDomain } from './bare-domain.js'
export type { BuiltDomain, DomainPlan } from './building/domain-builder.js'
export type { RingAddress, StartOfDay } from './building/start-of-day.js'
export { EmulatedHost, type HostOptions, type StoreDaemon } from './emulated-host.js'
export { EmulatedPlatform, type PrimaryConsole } from './emulated-platform.js'
export {
  type AccountableDaemon,
  type EmulatedCapabilities,
  EmulatedWorld,
  type WorldGuest,
  type WorldOptions,
} from './emulated-world.js'
export { EmergencyConsole } from './guest/emergency-console.js'
export { EmulatedVcpu } from './guest/emulated-vcpu.js'
export type { EventChannelOp } from './guest/event-channel-op.js'
export type {
  BlockingSched,
  ConsoleIoHypercalls,
  GuestHypercalls,
  HvmHypercalls,
  Resumption,
  SchedHypercalls,
  StartOfDayMemory,
  VcpuHypercalls,
  VersionHypercalls,
} from './guest/guest-hypercalls.js'
export type { ChannelStatus } from './hypervisor/event-channel-calls.js'
export type { ControlBlock } from './hypervisor/event-control-calls.js'
export type { WordBits } from './hypervisor/machine-layout.js'
export { type GrantHolder, type GrantInspection, Inspection, type PortInspection } from './inspection.js'
export type { LedgerEntry } from './ledger.js'
export { type Hypercalls, Machine, type MachineHandle, type MachineMode, type MachineOptions } from './machine.js'
export { startInline } from './program/inline-vcpu.js'
export type {
  ExitReport,
  Program,
  ProgramContext,
  ProgramModule,
  StartVcpu,
  Vcpu,
  VcpuRequest,
} from './program/vcpu.js'
export type { Fault, FaultPlan, RefusableCall } from './simulation/fault-plan.js'
export { SimulatedStore, type TransferStore } from './simulation/simulated-store.js'
export { Simulation, type SimulationOptions } from './simulation/simulation.js'
export { ShutdownRequests } from './toolstack/control-shutdown.js'
export type {
  CoreDump,
  DomainEnd,
  DomainInfo,
  DomainLifecycle,
  ShutdownAction,
  ShutdownOptions,
  ShutdownPolicies,
  ShutdownReasonName,
  ShutdownRequest,
  ToolstackEvents,
  VcpuInfo,
} from './toolstack/domain-lifecycle.js'
export { type Guest, type GuestPlan, type StartOptions, Toolstack } from './toolstack/toolstack.js'
