import { GrantStatus, grantError, grantStatusCode } from '@split-driver/grant'
import { expect, it } from 'vitest'

it.each(Object.entries(GrantStatus).filter(([, status]) => status < 0))(
  'rule 70: %s is %i both ways',
  (code, status) => {
    expect(grantStatusCode(status)).toBe(code)
    expect(grantError(status, 'map', { gref: 8 })).toMatchObject({ code, detail: { gref: 8, status } })
  },
)

it('success has no name; a negative number the header does not know is a general error', () => {
  expect(grantStatusCode(0)).toBeUndefined()
  expect(grantStatusCode(-14)).toBe('GNTST_general_error')
})
