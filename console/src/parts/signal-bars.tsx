/** WiFi strength as four bars; the number stands in the title and for screen readers. */
export function SignalBars({ dbm }: { dbm: number | null }) {
  if (dbm === null) return null
  // Below −80 dBm packets get lost; above −55 nothing gets better.
  const bars = dbm >= -55 ? 4 : dbm >= -67 ? 3 : dbm >= -75 ? 2 : 1
  const label = `WiFi ${Math.round(dbm)} dBm`.replace('-', '−')
  return (
    <svg class={bars === 1 ? 'bars weak' : 'bars'} viewBox="0 0 16 12" role="img" aria-label={label}>
      <title>{label}</title>
      {[0, 1, 2, 3].map(i => (
        <rect key={i} x={i * 4} y={9 - i * 3} width="3" height={3 + i * 3} rx="0.5" class={i < bars ? 'on' : 'off'} />
      ))}
    </svg>
  )
}
