import { spawn } from 'node:child_process'
import { close, constants, open, write } from 'node:fs'
import { isatty, ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import { CliError, exits } from '../errors.ts'

/** A serial port (or a pseudo-terminal): bytes both ways at 115,200 baud, nothing echoed or translated. */
export interface SerialPort {
  onText(listener: (text: string) => void): void
  /** In pieces that a small receive buffer keeps up with. */
  write(text: string | Uint8Array): Promise<void>
  close(): Promise<void>
}

const pieceBytes = 256
/** A quarter more than 256 bytes take at 115,200 baud. */
const pieceMs = 28

export async function openSerialPort(path: string): Promise<SerialPort> {
  const file = await opened(path)
  if (!isatty(file)) {
    await promisify(close)(file)
    throw noPort(path, 'it is no serial port', 'plug the board in, then: ls /dev/ttyUSB* /dev/ttyACM*')
  }
  // -hupcl: closing it drops no line, which would restart the board.
  await stty(path, ['115200', 'raw', '-echo', '-hupcl', 'clocal'])
  // It closes the file. A FileHandle would do so once more when it is collected, whatever has that number by then.
  const reading = new ReadStream(file)
  const listeners: ((text: string) => void)[] = []
  // Bytes of a board that boots at another speed are any bytes.
  reading.setEncoding('latin1')
  reading.on('data', text => {
    for (const listener of listeners) listener(text as unknown as string)
  })
  // Unplugged: whoever waits for an answer gives up in time.
  reading.on('error', () => {})
  return {
    onText: listener => void listeners.push(listener),
    async write(text) {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        await whole(file, bytes.subarray(at, at + pieceBytes), path)
        if (at + pieceBytes < bytes.length) await new Promise(done => setTimeout(done, pieceMs))
      }
    },
    async close() {
      if (reading.closed) return
      const closed = new Promise<void>(done => reading.once('close', () => done()))
      reading.destroy()
      await closed
    },
  }
}

async function whole(file: number, bytes: Buffer, path: string): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += (await promisify(write)(file, bytes, at)).bytesWritten
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw noPort(path, (error as Error).message)
      await new Promise(done => setTimeout(done, pieceMs))
    }
  }
}

async function opened(path: string): Promise<number> {
  try {
    return await promisify(open)(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EACCES') throw noPort(path, 'you may not open it', 'sudo usermod -aG dialout $USER, then log in again')
    if (code === 'EBUSY') throw noPort(path, 'another program has it', 'close the serial monitor')
    throw noPort(path, code === 'ENOENT' ? 'there is none' : message, 'plug the board in, then: ls /dev/ttyUSB* /dev/ttyACM*')
  }
}

function stty(path: string, settings: readonly string[]): Promise<void> {
  const file = process.platform === 'darwin' ? '-f' : '-F'
  return new Promise((done, failed) => {
    const child = spawn('stty', [file, path, ...settings], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', piece => (said += piece))
    child.on('error', () => failed(noPort(path, 'there is no stty here, which sets its speed', 'install coreutils')))
    child.on('close', code => (code === 0 ? done() : failed(noPort(path, said.trim() || 'stty could not set its speed'))))
  })
}

const noPort = (path: string, why: string, ...advice: string[]): CliError =>
  new CliError(exits.usage, 'no_port', `${path}: ${why}`, ...advice)
