import { useEffect, useState } from 'preact/hooks'

/** Stands where something will be, in its size. It shows itself only when the wait is felt. */
export function Waiting({ rows = 3 }: { rows?: number }) {
  const [felt, setFelt] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setFelt(true), 300)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div class={felt ? 'waiting felt' : 'waiting'} aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} />
      ))}
    </div>
  )
}
