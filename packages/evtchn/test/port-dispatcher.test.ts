import { type Port, XenError } from '@split-driver/abi'
import { clearPending, PortDispatcher, type PortMasking } from '@split-driver/evtchn'
import { describe, expect, it } from 'vitest'
import { TestGuest } from './support/guest.js'

const p3 = 3 as Port

const codeOf = (act: () => void): string => {
  try {
    act()
  } catch (error) {
    if (XenError.is(error)) return error.code
    throw error
  }
  return 'nothing thrown'
}

describe('PortDispatcher over the two-level ABI', () => {
  it('rule 66: a delivered port stays masked until eoi; one event is kept meanwhile', () => {
    const guest = new TestGuest()
    guest.openAndListen(p3)
    guest.send(p3)
    guest.pump()
    guest.send(p3)
    guest.send(p3)
    guest.pump()
    expect(guest.taken()).toEqual([3])
    guest.dispatcher.eoi(p3)
    guest.pump()
    expect(guest.taken()).toEqual([3])
    guest.dispatcher.eoi(p3)
    guest.pump()
    expect(guest.taken()).toEqual([])
    expect(guest.quiet).toBe(true)
  })

  it('a port that is pending when somebody listens is delivered', () => {
    const guest = new TestGuest()
    guest.send(p3)
    guest.dispatcher.open(p3)
    guest.pump()
    expect(guest.taken()).toEqual([])
    guest.listen(p3)
    guest.pump()
    expect(guest.taken()).toEqual([3])
  })

  it('explicit masking outlasts eoi, and the masking until eoi outlasts unmask', () => {
    const guest = new TestGuest()
    guest.openAndListen(p3)
    guest.send(p3)
    guest.pump()
    guest.dispatcher.mask(p3)
    guest.send(p3)
    guest.dispatcher.eoi(p3)
    guest.pump()
    expect(guest.taken()).toEqual([3])
    guest.dispatcher.unmask(p3)
    guest.pump()
    expect(guest.taken()).toEqual([3])
    guest.send(p3)
    guest.dispatcher.mask(p3)
    guest.dispatcher.unmask(p3)
    guest.pump()
    expect(guest.taken()).toEqual([])
    guest.dispatcher.eoi(p3)
    guest.pump()
    expect(guest.taken()).toEqual([3])
  })

  it('E2: nothing is delivered after close, whatever is pending', () => {
    const guest = new TestGuest()
    guest.openAndListen(p3)
    guest.send(p3)
    guest.dispatcher.close(p3)
    guest.send(p3)
    guest.pump()
    expect(guest.taken()).toEqual([])
  })

  it('E2: a closed port wakes nobody', () => {
    const guest = new TestGuest()
    guest.openAndListen(p3)
    guest.dispatcher.close(p3)
    expect(guest.send(p3)).toBe(false)
    expect(guest.quiet).toBe(true)
  })

  it('E2: a new listener of the same number sees only events since the port was bound', () => {
    const guest = new TestGuest()
    guest.openAndListen(p3)
    guest.send(p3)
    guest.dispatcher.close(p3)
    clearPending(guest.page, p3)
    guest.openAndListen(p3)
    guest.pump()
    expect(guest.taken()).toEqual([])
    guest.send(p3)
    guest.pump()
    expect(guest.taken()).toEqual([3])
  })

  it('E2: eoi for a port closed meanwhile, and an eoi too many, are harmless', () => {
    const guest = new TestGuest()
    guest.openAndListen(p3)
    guest.send(p3)
    guest.pump()
    guest.dispatcher.close(p3)
    guest.dispatcher.eoi(p3)
    expect(guest.events.isMasked(p3)).toBe(true)
    guest.openAndListen(p3)
    guest.dispatcher.mask(p3)
    guest.dispatcher.eoi(p3)
    expect(guest.events.isMasked(p3)).toBe(true)
  })

  it('names a caller’s mistakes: EBUSY for a second listener, EEXIST and EINVAL for ports not ours', () => {
    const { dispatcher } = new TestGuest()
    expect(codeOf(() => dispatcher.listen(p3, () => {}))).toBe('EINVAL')
    expect(codeOf(() => dispatcher.mask(p3))).toBe('EINVAL')
    expect(codeOf(() => dispatcher.unmask(p3))).toBe('EINVAL')
    expect(codeOf(() => dispatcher.close(p3))).toBe('EINVAL')
    dispatcher.open(p3)
    expect(codeOf(() => dispatcher.open(p3))).toBe('EEXIST')
    dispatcher.listen(p3, () => {})
    expect(codeOf(() => dispatcher.listen(p3, () => {}))).toBe('EBUSY')
    expect(dispatcher.openPorts()).toEqual([3])
    expect(dispatcher.isOpen(p3)).toBe(true)
    dispatcher.close(p3)
    expect(dispatcher.isOpen(p3)).toBe(false)
  })
})

/** A source that delivers once and waits to be unmasked, but knows no masking of its own: like /dev/xen/evtchn. */
class DeviceNode implements PortMasking {
  readonly unmasked: Port[] = []
  mask(): void {}
  unmask(port: Port): boolean {
    this.unmasked.push(port)
    return false
  }
}

describe('PortDispatcher over a device node', () => {
  const open = () => {
    const node = new DeviceNode()
    const dispatcher = new PortDispatcher(node, () => {
      throw new Error('no upcall here')
    })
    const delivered: Port[] = []
    dispatcher.open(p3)
    return { node, dispatcher, delivered, listen: () => dispatcher.listen(p3, (port) => delivered.push(port)) }
  }

  it('holds what arrives before somebody listens, and lets through nothing further', () => {
    const { node, dispatcher, delivered, listen } = open()
    dispatcher.deliver(p3)
    expect(delivered).toEqual([])
    listen()
    expect(delivered).toEqual([3])
    expect(node.unmasked).toEqual([])
    dispatcher.eoi(p3)
    expect(node.unmasked).toEqual([3])
  })

  it('holds what arrives under an explicit mask until unmask', () => {
    const { node, dispatcher, delivered, listen } = open()
    listen()
    dispatcher.mask(p3)
    dispatcher.deliver(p3)
    dispatcher.eoi(p3)
    expect(delivered).toEqual([])
    dispatcher.unmask(p3)
    expect(delivered).toEqual([3])
    dispatcher.eoi(p3)
    expect(node.unmasked).toEqual([3, 3])
  })

  it('E2: drops what arrives for a port that is not ours, without letting it through', () => {
    const { node, dispatcher, delivered, listen } = open()
    listen()
    dispatcher.close(p3)
    node.unmasked.length = 0
    dispatcher.deliver(p3)
    expect(delivered).toEqual([])
    expect(node.unmasked).toEqual([])
  })
})
