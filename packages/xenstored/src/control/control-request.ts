import { packStrings, toText, unpackStringAndRest } from '@split-driver/xenbus'
import { stringsOf } from '../requests/arguments.js'
import type { Handler } from '../requests/exchange.js'
import type { ControlExchange } from './control-command.js'

/** CONTROL, once called DEBUG: the command's name, and its parameters. */
export const control: Handler = ({ client, host, reqId, txId, body, respond }) => {
  const parts = unpackStringAndRest(body)
  const command = parts && host.commands.get(toText(parts.string))
  if (parts === undefined || command === undefined) return 'EINVAL'
  const exchange: ControlExchange = {
    host,
    client,
    reqId,
    txId,
    parameters: stringsOf(parts.rest).map(toText),
    rest: parts.rest.slice(),
    respond: (text) => respond(packStrings(text)),
  }
  return command.run(exchange)
}
