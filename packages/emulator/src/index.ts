export type { AttachOptions } from './attach-options.js'
export { ShutdownRequests } from './control-shutdown.js'
export type { BuiltDomain, DomainPlan } from './domain-builder.js'
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
} from './domain-lifecycle.js'
export { EmergencyConsole } from './emergency-console.js'
export { EmulatedHost, type HostOptions, type StoreDaemon } from './emulated-host.js'
export { EmulatedPlatform, type PrimaryConsole } from './emulated-platform.js'
export { EmulatedVcpu } from './emulated-vcpu.js'
export { type AccountableDaemon, EmulatedWorld, type WorldGuest, type WorldOptions } from './emulated-world.js'
export type { EventChannelOp } from './event-channel-op.js'
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
} from './guest-hypercalls.js'
export type { ChannelStatus } from './hypervisor/event-channel-calls.js'
export type { ControlBlock } from './hypervisor/event-control-calls.js'
export { startInline } from './inline-vcpu.js'
export { type GrantHolder, type GrantInspection, Inspection, type PortInspection } from './inspection.js'
export type { LedgerEntry } from './ledger.js'
export { type Hypercalls, Machine, type MachineHandle, type MachineMode, type MachineOptions } from './machine.js'
export type { Fault, FaultPlan, RefusableCall } from './simulation/fault-plan.js'
export { SimulatedStore, type TransferStore } from './simulation/simulated-store.js'
export { Simulation, type SimulationOptions } from './simulation/simulation.js'
export type { RingAddress, StartOfDay } from './start-of-day.js'
export { type Guest, type GuestPlan, type StartOptions, Toolstack } from './toolstack.js'
export type { ExitReport, Program, ProgramContext, ProgramModule, StartVcpu, Vcpu, VcpuRequest } from './vcpu.js'
