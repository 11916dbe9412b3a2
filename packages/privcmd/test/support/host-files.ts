import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { HostPaths } from '@split-driver/privcmd'

/** The files by which a host tells what it is, in a folder of their own; a plain Linux without Xen at first. */
export class HostFiles implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'split-driver-host-'))
  readonly paths: HostPaths = {
    evtchn: this.#at('dev/xen/evtchn'),
    gntdev: this.#at('dev/xen/gntdev'),
    gntalloc: this.#at('dev/xen/gntalloc'),
    xenbus: this.#at('dev/xen/xenbus'),
    privcmd: this.#at('dev/xen/privcmd'),
    hypercall: this.#at('dev/xen/hypercall'),
    xenstoreSocket: this.#at('run/xenstored/socket'),
    sysHypervisor: this.#at('sys/hypervisor'),
    sysModule: this.#at('sys/module'),
    procModules: this.#at('proc/modules'),
    procXen: this.#at('proc/xen'),
    libModules: this.#at('lib/modules'),
  }

  #at(path: string): string {
    return join(this.#root, path)
  }

  write(path: string, text = ''): this {
    mkdirSync(dirname(this.#at(path)), { recursive: true })
    writeFileSync(this.#at(path), text)
    return this
  }

  remove(path: string): this {
    rmSync(this.#at(path), { recursive: true })
    return this
  }

  /** A PV domain of Xen 4.17.5. */
  onXen(): this {
    return this.write('sys/hypervisor/type', 'xen\n')
      .write('sys/hypervisor/guest_type', 'PV\n')
      .write('sys/hypervisor/version/major', '4\n')
      .write('sys/hypervisor/version/minor', '17\n')
      .write('sys/hypervisor/version/extra', '.5\n')
      .write('sys/hypervisor/properties/capabilities', 'xen-3.0-x86_64 hvm-3.0-x86_64 \n')
      .write('sys/hypervisor/properties/features', '000228f0\n')
  }

  /** Every node, with its module loaded; the control domain. */
  complete(): this {
    for (const node of ['evtchn', 'gntdev', 'gntalloc', 'xenbus', 'privcmd', 'hypercall']) this.write(`dev/xen/${node}`)
    return this.onXen()
      .write(
        'proc/modules',
        'xen_gntdev 49152 1 - Live 0x0\nxen_gntalloc 16384 0 - Live 0x0\nxen_evtchn 16384 3 - Live\n',
      )
      .write('proc/xen/capabilities', 'control_d\n')
      .write('sys/module/xen_gntalloc/parameters/limit', '1024\n')
      .write('sys/module/xen_gntdev/parameters/limit', '65536\n')
      .modules('modules.builtin', 'kernel/drivers/xen/xen-privcmd.ko')
  }

  /** A list of modules that belongs to the kernel this test runs on. */
  modules(list: 'modules.builtin' | 'modules.dep', text: string): this {
    return this.write(`lib/modules/${release()}/${list}`, text)
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true })
  }
}
