/** Lets the sockets have their turn. What goes through rows by the million does so every millisecond or two of work, or each message that
 *  comes meanwhile waits for all of it. */
export const breathe = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
