import type { JSX } from 'preact'

/** Our own few icons: 1.5 px strokes, beside a label, never instead of one. */
const icon = (path: JSX.Element) => () => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    {path}
  </svg>
)

export const Mark = icon(<path d="M12 21V4M12 17H5V9M12 17h7V9M12 11H8.5V5M12 11h3.5V5" />)
export const Copy = icon(<path d="M9 9h10v11H9zM5 15V4h10" />)
export const Tick = icon(<path d="M5 12.5l4.5 4.5L19 7.5" />)
export const Search = icon(<path d="M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13M15.5 15.5L20 20" />)
export const Sun = icon(
  <path d="M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400" />,
)
export const Moon = icon(<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z" />)
export const HalfMoon = icon(<path d="M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM12 3.5v17" />)
export const Bulb = icon(
  <path d="M9 17.5h6M10 20.5h4M8.5 14.5a5.5 5.5 0 1 1 7 0c-.5.5-.700 1-.700 1.5h-5.600c0-.5-.200-1-.700-1.5z" />,
)
export const Download = icon(<path d="M12 4v11M7.5 11L12 15.5L16.5 11M5 19.5h14" />)
