import { closeSync, openSync } from 'node:fs'

/** SIGHUP has two meanings: from `kill -HUP` or systemd it asks to read the configuration again; from a terminal that was closed it
 *  says that nobody is there any more. What was started on a terminal looks whether that is still there. Returns how to stop. */
export function onHangup(reload: () => Promise<unknown>, onTerminal: boolean): () => void {
  const hungUp = (): void => {
    if (onTerminal && !terminalThere()) process.kill(process.pid, 'SIGTERM')
    else void reload().catch(error => process.emitWarning(error as Error))
  }
  process.on('SIGHUP', hungUp)
  return () => void process.off('SIGHUP', hungUp)
}

/** /dev/tty opens only for a process that has a terminal (tty(4)). */
function terminalThere(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
