import { readFile } from 'node:fs/promises'
import { type BaseIssue, type GenericSchema, type InferOutput, safeParse } from 'valibot'
import { ConfigError } from './config-error.js'
import { JsonDocument, shown } from './json-document.js'

/** What a file says, and the document, for whoever judges it further. */
export interface ReadConfig<Value> {
  readonly value: Value
  readonly document: JsonDocument
}

/**
 * Reads a configuration. Each schema's message says what it expects, as in `v.boolean('true or false')`.
 * @throws ConfigError for the first thing that is wrong
 */
export const readConfig = async <Schema extends GenericSchema>(
  file: string,
  schema: Schema,
): Promise<ReadConfig<InferOutput<Schema>>> => {
  const document = new JsonDocument(file, await readText(file))
  const { issues, output, success } = safeParse(schema, document.value)
  if (success) return { value: output, document }
  throw issueError(document, issues[0])
}

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError(file, `cannot be read: ${reason}`, { cause: error })
  }
}

const issueError = (document: JsonDocument, issue: BaseIssue<unknown>): ConfigError => {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)))
  const name = path.length === 0 ? 'the configuration' : shown(path.join('.'))
  // What a strict object says of a key that it does not know, and of one that it misses.
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return document.errorAt(path, `there is no key ${name}; expected ${issue.message}`)
  if (issue.input === undefined) return document.errorAt(path, `${name} is missing; expected ${issue.message}`)
  return document.errorAt(path, `${name} is ${shown(issue.input)}; expected ${issue.message}`)
}
