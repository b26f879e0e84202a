import { useEffect, useState } from 'preact/hooks'
import type { ConnectInfo, Credential } from '../../../src/api/identities.ts'
import { arduinoSketch } from '../../../src/api/sketch/arduino.ts'
import { boardOf, qrText, type Reachable } from '../../../src/api/sketch/board.ts'
import { pythonScript } from '../../../src/api/sketch/python.ts'
import { nodes } from '../state/house.ts'
import { CopyButton } from './copyable.tsx'

interface ProgramsProps {
  readonly credential: Credential
  readonly where: Reachable
  readonly connect: ConnectInfo
}

/** A whole sketch and a whole script with address, credential and CA filled in (the same text as the command line's), and a QR code. */
export function Programs({ credential, where, connect }: ProgramsProps) {
  const [shown, setShown] = useState<'sketch' | 'python' | 'qr'>('sketch')
  const name = nodes.value.get(credential.id)?.peek().name ?? null
  const board = boardOf(credential, name, where)
  const qr = qrText(credential, where, connect)
  const text = shown === 'sketch' ? arduinoSketch(board) : pythonScript(board)
  return (
    <div class="programs">
      <fieldset class="choice">
        <legend class="for-readers">For the board</legend>
        <Tab says="Arduino sketch" on={shown === 'sketch'} show={() => setShown('sketch')} />
        <Tab says="Python script" on={shown === 'python'} show={() => setShown('python')} />
        {qr !== null && <Tab says="QR code" on={shown === 'qr'} show={() => setShown('qr')} />}
      </fieldset>
      {shown === 'qr' && qr !== null ? (
        <QrCode text={qr} />
      ) : (
        <div class="program">
          <CopyButton text={text} label={shown === 'sketch' ? 'Copy the sketch' : 'Copy the script'} />
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
          <pre tabIndex={0}>{text}</pre>
        </div>
      )}
    </div>
  )
}

function Tab({ says, on, show }: { says: string; on: boolean; show: () => void }) {
  return (
    <button type="button" aria-pressed={on} onClick={show}>
      {says}
    </button>
  )
}

/** The library comes only when somebody wants one. Dark on light in both themes: cameras want it so. */
function QrCode({ text }: { text: string }) {
  const [image, setImage] = useState<string | null>(null)
  useEffect(() => {
    let ended = false
    void import('qrcode').then(async ({ default: qrcode }) => {
      const url = await qrcode.toDataURL(text, { errorCorrectionLevel: 'L', margin: 2, scale: 4 })
      if (!ended) setImage(url)
    })
    return () => {
      ended = true
    }
  }, [text])
  return <div class="qr">{image && <img src={image} alt="QR code of the credential and the address" />}</div>
}
