/** The quotas of nodes of all three daemons, where answers are compared: few enough that random requests come to it. */
export const NODES_OF_A_GUEST = 24
