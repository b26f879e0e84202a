import { useState } from 'preact/hooks'
import { Copy, Tick } from './icons.tsx'

/** A command to take along: one click copies it. */
export function Copyable({ text }: { text: string }) {
  return (
    <div class="copyable">
      <code>{text}</code>
      <CopyButton text={text} label="Copy" />
    </div>
  )
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await writeClipboard(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <button type="button" class="quiet" onClick={copy}>
      {copied ? <Tick /> : <Copy />} {copied ? 'Copied' : label}
    </button>
  )
}

/** Over plain HTTP in a LAN browsers have no clipboard API; a selection still copies. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}
