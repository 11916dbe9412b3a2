/**
 * What a driver found when it looked, told at the end of an interrupt: `worked` if there was anything to do since the last
 * one ended, `spurious` if there was nothing at all. A peer that sends events without work is heard ever more seldom.
 */
export type EventOutcome = 'worked' | 'spurious'
