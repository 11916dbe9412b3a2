import { NR_VIRQS, VIRQ } from '@split-driver/abi'

const perVcpu: readonly number[] = [VIRQ.Timer, VIRQ.Debug, VIRQ.Xenoprof, VIRQ.Xenpmu]

export const isVirq = (virq: number): boolean => Number.isInteger(virq) && virq >= 0 && virq < NR_VIRQS

/** A global one is bound once in a domain, on vcpu 0; of the others each vcpu has its own. @see xen.h VIRQ_* */
export const isGlobalVirq = (virq: number): boolean => !perVcpu.includes(virq)
