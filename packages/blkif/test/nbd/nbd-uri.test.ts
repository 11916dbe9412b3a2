import { describe, expect, test } from 'vitest'
import { parseNbdUri } from '../../src/nbd/nbd-uri.js'

const tcp = (host: string, port = 10809) => ({ host, port })

describe('an NBD URI', () => {
  test.each([
    ['nbd://example.com/disk', { tls: false, place: tcp('example.com'), exportName: 'disk' }],
    ['nbd://example.com:1234/', { tls: false, place: tcp('example.com', 1234), exportName: '' }],
    ['nbd://example.com', { tls: false, place: tcp('example.com'), exportName: '' }],
    ['nbd://example.com//disk', { tls: false, place: tcp('example.com'), exportName: '/disk' }],
    ['nbd://example.com/hello%20world', { tls: false, place: tcp('example.com'), exportName: 'hello world' }],
    ['nbd://[::1]:99/x', { tls: false, place: tcp('::1', 99), exportName: 'x' }],
    ['nbds://example.com/d%C3%A9', { tls: true, place: tcp('example.com'), exportName: 'dé' }],
    ['nbd+unix:///disk?socket=/run/a+b', { tls: false, place: { path: '/run/a+b' }, exportName: 'disk' }],
    ['nbd+unix://?socket=nbd.sock', { tls: false, place: { path: 'nbd.sock' }, exportName: '' }],
    ['nbd+unix:///?socket=%00/abstract', { tls: false, place: { path: '\0/abstract' }, exportName: '' }],
    [
      'nbds+unix:///?socket=/s&tls-hostname=h&tls-verify-peer=0&tls-type=x509',
      { tls: true, place: { path: '/s' }, exportName: '', tlsHostname: 'h', tlsVerifyPeer: false },
    ],
  ])('%s', (uri, expected) => {
    expect(parseNbdUri(uri)).toEqual({ tlsHostname: undefined, tlsVerifyPeer: true, ...expected })
  })

  test.each([
    ['/dev/sda', 'expected nbd://'],
    ['http://example.com/', 'expected nbd://'],
    ['nbd:example.com', 'names no host'],
    ['nbd:///disk', 'names no host'],
    ['nbd://h:0/', 'port 0'],
    ['nbd://h:70000/', 'expected nbd://'],
    ['nbd://h/?socket=/s', '"socket" goes with'],
    ['nbd+unix:///disk', '"?socket=PATH" is missing'],
    ['nbd+unix://disk?socket=/s', 'three slashes'],
    ['nbd://h/%zz', 'not percent-encoded'],
    ['nbd://h/a%00b', 'NUL'],
    [`nbd://h/${'a'.repeat(4097)}`, 'at most 4096 bytes'],
    ['nbd://h/a#b', '%23'],
    ['nbd://user@h/', 'names a user'],
    ['nbd://h/?tls-typ=x509', '"tls-typ" is none of'],
    ['nbds://h/?tls-type=psk', 'only x509'],
    ['nbds://h/?tls-verify-peer=yes', '0 or 1'],
  ])('%s is refused: %s', (uri, message) => {
    expect(() => parseNbdUri(uri)).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining(message) }),
    )
  })
})
