import { type Domid, XenError } from '@split-driver/abi'
import { virtualDeviceNumber } from '@split-driver/blkif'
import {
  type ExitReport,
  type Guest,
  Machine,
  type StartVcpu,
  startInline,
  Toolstack,
  type Vcpu,
} from '@split-driver/emulator'
import { startWorkerThread } from '@split-driver/emulator/node'
import { MessagePortChannel, XenStoreClient } from '@split-driver/xenbus'
import type { Dom0Argument, Dom0Message } from './dom0.js'

/** A program of the demo as a module that a worker can load. */
const programNamed = (name: 'dom0' | 'guest') => ({ href: new URL(`./${name}.js`, import.meta.url).href })

/** The demo's machine: its control domain runs the XenStore daemon, the block backend and the console daemon. */
export class DemoMachine {
  readonly machine: Machine
  readonly toolstack: Toolstack
  readonly store: XenStoreClient
  readonly #startVcpu: StartVcpu
  readonly #dom0: { readonly domid: Domid; readonly vcpu: Vcpu }

  /** @param onMessage what the control domain tells */
  static async boot(inline: boolean, onMessage: (message: Dom0Message) => void): Promise<DemoMachine> {
    const machine = Machine.create({ mode: inline ? 'inline' : 'threads', memoryMiB: 256 })
    const startVcpu = inline ? startInline : startWorkerThread
    const control = machine.buildControlDomain({ memoryPages: 2048 })
    const [toolstackEnd, operatorEnd] = [new MessageChannel(), new MessageChannel()]
    operatorEnd.port1.onmessage = ({ data }) => onMessage(data)
    const argument: Dom0Argument = { toolstack: toolstackEnd.port2, operator: operatorEnd.port2 }
    const vcpu = startVcpu({
      machine,
      domid: control.domid,
      program: programNamed('dom0'),
      argument,
      transfer: [toolstackEnd.port2, operatorEnd.port2],
    })
    const store = new XenStoreClient(new MessagePortChannel(toolstackEnd.port1))
    const ended = vcpu.exited.then((report) => {
      store.close()
      throw new XenError('CLOSED', `the control domain ended: ${describeExit(report)}`)
    })
    ended.catch((error) => onMessage({ about: 'dom0-ended', what: error.message }))
    const toolstack = await Promise.race([Toolstack.open(machine, store, control), ended])
    return new DemoMachine(machine, toolstack, store, startVcpu, { domid: control.domid, vcpu })
  }

  private constructor(
    machine: Machine,
    toolstack: Toolstack,
    store: XenStoreClient,
    startVcpu: StartVcpu,
    dom0: { readonly domid: Domid; readonly vcpu: Vcpu },
  ) {
    this.machine = machine
    this.toolstack = toolstack
    this.store = store
    this.#startVcpu = startVcpu
    this.#dom0 = dom0
  }

  /** Builds a guest with `image` as its xvda and starts it. */
  async startGuest(name: string, image: string): Promise<{ guest: Guest; vcpu: Vcpu }> {
    const guest = await this.toolstack.create({ name, commandLine: 'root=/dev/xvda' })
    await this.toolstack.attachDevice(guest, {
      type: 'vbd',
      id: virtualDeviceNumber('xvda'),
      frontendKeys: { 'virtual-device': String(virtualDeviceNumber('xvda')), 'device-type': 'disk' },
      backendKeys: { params: image, mode: 'w', type: 'file', dev: 'xvda', 'device-type': 'disk' },
    })
    const vcpu = this.toolstack.start(guest, programNamed('guest'), { startVcpu: this.#startVcpu })
    return { guest, vcpu }
  }

  /** Ends every domain, the control domain last. @returns what was still open then */
  async shutDown(): Promise<string[]> {
    for (const domid of this.toolstack.domids) await this.toolstack.destroy(domid)
    this.store.close()
    this.#dom0.vcpu.shutdown()
    await this.#dom0.vcpu.exited
    return this.machine.ledger().map((entry) => entry.what)
  }
}

export const describeExit = (report: ExitReport): string =>
  report.how === 'crashed' ? `crashed: ${report.error.message}` : report.how
