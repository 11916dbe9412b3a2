import { XenError } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'

describe('XenError', () => {
  it('carries code, detail and cause', () => {
    const cause = new Error('below')
    const error = new XenError('ENOSPC', 'no port is free', { detail: { port: 4095 }, cause })
    expect(error).toMatchObject({ name: 'XenError', code: 'ENOSPC', message: 'ENOSPC: no port is free', cause })
    expect(error.detail).toEqual({ port: 4095 })
    expect(new XenError('EINVAL', 'x').detail).toEqual({})
    expect('cause' in new XenError('EINVAL', 'x')).toBe(false)
  })

  it('is known by its code, also when it comes from another copy of the module', () => {
    const foreign = Object.assign(new Error('x'), { name: 'XenError', code: 'EBUSY' })
    expect(XenError.is(foreign, 'EAGAIN', 'EBUSY')).toBe(true)
    expect(XenError.is(foreign)).toBe(true)
    expect(XenError.is(foreign, 'EAGAIN')).toBe(false)
    expect(XenError.is(Object.assign(new Error('x'), { code: 'EBUSY' }), 'EBUSY')).toBe(false)
    expect(XenError.is({ name: 'XenError', code: 'EBUSY' })).toBe(false)
  })
})
