import { virtualDeviceNumber } from '@split-driver/blkif'
import { EmulatedHost, type EmulatedPlatform, type HostOptions } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect } from 'vitest'

export interface DiskOptions {
  readonly params: string
  readonly name?: string
  readonly mode?: string
  readonly kind?: string
}

/** A machine with XenStore and a toolstack; the daemon under test is the test's own to start and to close. */
export class EmulatedMachine implements AsyncDisposable {
  readonly host: EmulatedHost
  #guests = 0

  static async boot(
    xenstored: HostOptions['xenstored'] = (dom0) => new XenstoreServer(dom0),
  ): Promise<EmulatedMachine> {
    return new EmulatedMachine(await EmulatedHost.boot({ mode: 'inline', memoryMiB: 96, xenstored }))
  }

  private constructor(host: EmulatedHost) {
    this.host = host
  }

  guest(): Promise<EmulatedPlatform> {
    return this.host.createGuest({ name: `guest-${++this.#guests}`, memoryPages: 4096 })
  }

  attachDisk(guest: EmulatedPlatform, { params, name = 'xvda', mode = 'w', kind = 'vbd' }: DiskOptions) {
    const id = virtualDeviceNumber(name)
    return this.host.toolstack.attachDevice(guest, {
      type: kind,
      id,
      frontendKeys: { 'virtual-device': String(id) },
      backendKeys: { mode, params, type: 'file' },
    })
  }

  /** What the backend wrote when it gave a device up. */
  async backendError(guest: EmulatedPlatform, kind = 'vbd', name = 'xvda'): Promise<string> {
    const node = `error/backend/${kind}/${guest.domid}/${virtualDeviceNumber(name)}/error`
    for (;;) {
      const error = await this.host.dom0.xenstore.tryRead(node)
      if (error !== undefined) return error
    }
  }

  /** What is open in the whole machine, one line each. */
  ledger(): string[] {
    return this.host.machine.ledger().map(({ what }) => what)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const domid of this.host.toolstack.domids) await this.host.toolstack.destroy(domid)
    const left = this.ledger()
    await this.host[Symbol.asyncDispose]()
    expect(left, 'the ledger').toEqual([])
  }
}
