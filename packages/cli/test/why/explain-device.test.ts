import { XenbusState } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import type { DeviceFacts, PortFacts, RequestRing } from '../../src/why/device-facts.js'
import { explainDevice } from '../../src/why/explain-device.js'

const { Unknown, Initialising, InitWait, Initialised, Connected, Closing, Closed } = XenbusState

const running = { domid: 3, state: '-b----' }
const halves = (front: number, back: number) => ({
  frontend: { domid: 3, path: '/f', state: front },
  backend: { domid: 0, path: '/b', state: back },
})
const port = (about: Partial<PortFacts> = {}): PortFacts => {
  return { domid: 3, port: 5, is: 'interdomain', pending: false, masked: false, ...about }
}
const idle: RequestRing = {
  kind: 'requests',
  reqProd: 7,
  reqEvent: 8,
  rspProd: 7,
  rspEvent: 8,
  slots: 32,
  unanswered: 0,
  ids: [],
}
const connected = (about: Partial<DeviceFacts> = {}): DeviceFacts => ({
  device: 'vbd/51712',
  ...halves(Connected, Connected),
  frontendPort: port(),
  backendPort: port({ domid: 0, port: 19 }),
  ring: idle,
  ringGrants: [{ ref: 8, holders: [{ domid: 0, access: 'writable' }] }],
  otherGrants: { count: 0, mapped: 0 },
  ...about,
})

describe('the handshake', () => {
  test.each([
    [Initialising, Unknown, /^A backend driver in domain 0: nobody has taken the device up/],
    [Initialising, Initialising, /^A backend driver in domain 0/],
    [Initialising, InitWait, /^The frontend in domain 3: the backend offers/],
    [Unknown, InitWait, /^The frontend in domain 3: the backend offers/],
    [Initialised, InitWait, /^The backend in domain 0: the frontend has published its ring/],
    [Connected, InitWait, /^The backend in domain 0: the frontend has published its ring/],
    [Connected, Initialised, /^The backend in domain 0: the frontend has published its ring/],
    [Initialised, Connected, /^The frontend in domain 3: the backend is connected/],
    [Connected, Closing, /^The frontend in domain 3: the backend is Closing/],
    [Connected, Closed, /^The frontend in domain 3: the backend is Closed/],
    [Closing, Connected, /^The backend in domain 0: the frontend is Closing/],
    [Closed, Closing, /^The backend in domain 0: the frontend is Closed/],
    [Closed, Closed, /^Nothing: both halves are closed/],
  ])('frontend %i, backend %i', (front, back, sentence) => {
    expect(explainDevice(running, connected(halves(front, back)))).toMatch(sentence)
  })

  test('what a half wrote into its error node comes first', () => {
    const { frontend, backend } = halves(Closing, InitWait)
    const facts = connected({ frontend: { ...frontend, error: '22 no such disk' }, backend })
    expect(explainDevice(running, facts)).toMatch(/^The frontend has failed: 22 no such disk\. The backend in domain 0/)
  })

  test('a frontend without a backend waits for the toolstack', () => {
    const { backend: _, ...facts } = connected()
    expect(explainDevice(running, facts)).toMatch(/^The toolstack/)
  })
})

describe('the channel and the ring', () => {
  test.each<[string, Partial<DeviceFacts>, RegExp]>([
    [
      'a port that nobody has bound',
      { frontendPort: port({ is: 'unbound' }) },
      /^The other end: port 5 of domain 3 waits/,
    ],
    [
      'a ring that nobody has mapped',
      { ringGrants: [{ ref: 8, holders: [] }] },
      /nobody has the ring's page mapped \(grant 8/,
    ],
    ['a ring that is no ring', { ring: { ...idle, reqProd: 90, unanswered: 83 } }, /the ring is broken.*reqProd is 90/],
    ['nothing to do', {}, /^Nothing: every request/],
  ])('%s', (_, about, sentence) => {
    expect(explainDevice(running, connected(about))).toMatch(sentence)
  })

  test('a port or a ring that is not there is the frontend’s fault', () => {
    const { frontendPort: _, ...portless } = connected()
    const { ring: __, ...ringless } = connected()
    expect(explainDevice(running, portless)).toMatch(/^The frontend: the port that it published is not open/)
    expect(explainDevice(running, ringless)).toMatch(/^The frontend: what it published as its ring/)
  })
})

describe('unanswered requests', () => {
  const asked = (about: Partial<RequestRing>, backendPort: Partial<PortFacts> = {}): string => {
    const ring = { ...idle, reqProd: 9, unanswered: 2, ...about }
    return explainDevice(running, connected({ ring, backendPort: port({ domid: 0, port: 19, ...backendPort }) }))
  }

  test('all taken: what lies behind the backend is waited for', () => {
    expect(asked({ reqEvent: 10 })).toMatch(/^The backend's answer to 2 requests: it has taken all of them/)
  })

  test.each<[Partial<PortFacts>, RegExp]>([
    [{ pending: true }, /domain 0 has not looked at the event on port 19 of domain 0/],
    [{ masked: true }, /is at work on an event \(port 19 of domain 0 is masked/],
    [{ masked: true, pending: true }, /is still at work on an earlier event/],
    [{}, /the backend sleeps, and no event is pending for it: it was not notified/],
  ])('not taken, with the backend’s port %o', (about, sentence) => {
    expect(asked({ reqEvent: 8 }, about)).toMatch(sentence)
    expect(asked({ reqEvent: 8 }, about)).toMatch(/^The backend: 2 requests unanswered, 2 of them perhaps not taken/)
  })

  test('an end that is closed cannot be told', () => {
    const { backendPort: _, ...facts } = connected({ ring: { ...idle, reqProd: 8, unanswered: 1 } })
    expect(explainDevice(running, facts)).toMatch(/1 request unanswered.*whose end of the event channel is closed/)
  })

  test('an event index through the wrap, or far behind one that is awake, counts no more than there is', () => {
    const wrapped = { reqProd: 1, rspProd: 2 ** 32 - 1, rspEvent: 0, unanswered: 2 }
    expect(asked({ ...wrapped, reqEvent: 2 })).toMatch(/it has taken all of them/)
    expect(asked({ ...wrapped, reqEvent: 2 ** 32 - 1 })).toMatch(/2 of them perhaps not taken/)
  })
})

test('responses that nobody has taken wait for the frontend, beside what waits for the backend', () => {
  const ring = { ...idle, reqProd: 9, reqEvent: 10, rspProd: 8, unanswered: 1 }
  const said = explainDevice(running, connected({ ring, frontendPort: port({ pending: true }) }))
  expect(said).toMatch(
    /^The backend's answer to 1 request.* The frontend: up to 1 response not taken; domain 3 has not looked/,
  )
})

test.each([
  ['--p---', undefined, /^Domain 3 is paused.* Nothing: every request/],
  ['---s--', 'poweroff', /^Domain 3 has shut down \(poweroff\)/],
  ['-----d', 'crash', /^Domain 3 is being destroyed/],
])('a domain in state %s: that first', (state, shutdownReason, sentence) => {
  expect(explainDevice({ domid: 3, state, shutdownReason }, connected())).toMatch(sentence)
})

describe('a console', () => {
  const bytes = { kind: 'bytes', toBackend: 0, toBackendBytes: 2048, toFrontend: 0, toFrontendBytes: 1024 } as const
  const console = (about: Partial<typeof bytes> | Record<string, number>): string => {
    const { frontend: _, backend: __, ...facts } = connected()
    return explainDevice(running, { ...facts, device: 'console', ring: { ...bytes, ...about } })
  }

  test.each([
    [{}, /^Nothing: all that was written has been read/],
    [{ toBackend: 5 }, /^The backend: 5 bytes not read; the backend sleeps/],
    [{ toBackend: 2048 }, /^The backend: 2048 bytes not read, which is all that it holds/],
    [{ toFrontend: 1 }, /^The frontend: 1 byte not read; the frontend sleeps/],
    [{ toBackend: 4_294_967_295 }, /^Nothing any more, until its indices make sense/],
  ])('%o', (about, sentence) => {
    expect(console(about)).toMatch(sentence)
  })
})
