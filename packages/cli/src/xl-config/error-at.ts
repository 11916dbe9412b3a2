import { ConfigError } from '../config/config-error.js'
import type { Place } from './config-syntax.js'

/** `FILE:LINE:COLUMN`, as compilers print it. */
export const placeText = ({ source, line, column }: Place): string => `${source}:${line}:${column}`

export const errorAt = (place: Place, problem: string): ConfigError => new ConfigError(placeText(place), problem)
