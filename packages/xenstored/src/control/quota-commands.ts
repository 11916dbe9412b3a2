import type { WireError } from '@split-driver/xenbus'
import type { DomainAccount } from '../quotas/domain-account.js'
import { QUOTA_MEANINGS, QUOTA_NAMES, type QuotaName, quotaNameOf } from '../quotas/quota-values.js'
import { decimal, domidOf } from '../requests/arguments.js'
import type { ControlCommand, ControlExchange } from './control-command.js'

const SOFT = 'soft-'

const isSoft = (name: QuotaName): boolean => name.startsWith(SOFT)

const HARD_QUOTAS = QUOTA_NAMES.filter((name) => !isSoft(name))
const SOFT_QUOTAS = QUOTA_NAMES.filter(isSoft)

/** As the original's tools print them: whoever reads its output by program reads ours. @see xen/tools/xenstored/control.c */
const row = (name: string, rest: string): string => `${name.padEnd(17)}: ${rest}\n`

const number = (value: number): string => String(value).padStart(8)

/** All values; soft ones go by the name of what they are of. */
const settings = ({ host, respond }: ControlExchange, names: readonly QuotaName[]): undefined => {
  const rows = names.map((name) => {
    const shown = isSoft(name) ? name.slice(SOFT.length) : name
    return row(shown, `${number(host.quotas.defaults[name])} ${QUOTA_MEANINGS[name]}`)
  })
  respond(`Quota settings:\n${rows.join('')}`)
}

/** From now on, for every domain there is and for those to come. */
const set = ({ host, parameters, respond }: ControlExchange, soft: boolean): WireError | undefined => {
  const [, text = '', valueText, ...others] = parameters
  const quota = quotaNameOf(soft ? `${SOFT}${text}` : text)
  const value = decimal(valueText)
  if (quota === undefined || isSoft(quota) !== soft || !(value >= 1) || others.length > 0) return 'EINVAL'
  host.quotas.defaults[quota] = value
  for (const { account } of host.records.all()) account.quotas[quota] = value
  host.recorder?.everyQuota(quota, value)
  respond('OK')
  return undefined
}

const usedOf = ({ used }: DomainAccount, name: QuotaName): number =>
  name in used ? used[name as keyof typeof used] : 0

const domain = ({ host, parameters, respond }: ControlExchange): WireError | undefined => {
  const domid = domidOf(parameters[0])
  if (domid === undefined || parameters.length > 1) return 'EINVAL'
  if (!host.records.knows(domid)) return 'ENOENT'
  const { account } = host.records.of(domid)
  const rows = HARD_QUOTAS.map((name) =>
    row(name, `${number(usedOf(account, name))} (max ${number(account.peak(name))})`),
  )
  respond(`Domain ${domid}:\n${rows.join('')}`)
  return undefined
}

/** `-r` forgets them before they are shown. */
const max = ({ host, parameters, respond }: ControlExchange): WireError | undefined => {
  const [, option, ...others] = parameters
  if ((option !== undefined && option !== '-r') || others.length > 0) return 'EINVAL'
  if (option === '-r') {
    host.quotas.peaks.clear()
    for (const { account } of host.records.all()) account.forgetPeaks()
  }
  const rows = HARD_QUOTAS.map((name) => row(name, number(host.quotas.peaks.get(name) ?? 0)))
  respond(`Max. seen accounting values:\n${rows.join('')}`)
  return undefined
}

export const quotaCommand: ControlCommand = {
  name: 'quota',
  usage: '[set <name> <val>|<domid>|max [-r]]',
  run: (exchange) => {
    const [what] = exchange.parameters
    if (what === undefined) return settings(exchange, HARD_QUOTAS)
    if (what === 'set') return set(exchange, false)
    return what === 'max' ? max(exchange) : domain(exchange)
  },
}

export const softQuotaCommand: ControlCommand = {
  name: 'quota-soft',
  usage: '[set <name> <val>]',
  run: (exchange) => {
    const [what] = exchange.parameters
    if (what === undefined) return settings(exchange, SOFT_QUOTAS)
    return what === 'set' ? set(exchange, true) : 'EINVAL'
  },
}
