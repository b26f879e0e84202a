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
  <path d="M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4" />,
)
export const Moon = icon(<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z" />)
export const HalfMoon = icon(<path d="M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM12 3.5v17" />)
export const Bulb = icon(<path d="M9 17.5h6M10 20.5h4M8.5 14.5a5.5 5.5 0 1 1 7 0c-.5.5-.7 1-.7 1.5H9.2c0-.5-.2-1-.7-1.5z" />)
export const Download = icon(<path d="M12 4v11M7.5 11L12 15.5L16.5 11M5 19.5h14" />)
export const Grid = icon(<path d="M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM13.5 13.5h6v6h-6z" />)
export const Speech = icon(<path d="M4 5.5h16v10.5h-9L6.5 20v-4H4zM8 9.5h8M8 12.5h5" />)
export const Arrow = icon(<path d="M4 12h15M13 6l6 6l-6 6" />)
export const Board = icon(<path d="M6.5 3.5h11v17h-11zM9.5 7h5v4h-5zM3.5 8h3M3.5 12h3M3.5 16h3M17.5 8h3M17.5 12h3M17.5 16h3" />)
export const Chip = icon(<path d="M5 14.5v5h14v-5M12 15.5V4.5M7.5 9L12 4.5L16.5 9" />)
export const Gauge = icon(<path d="M4.5 17.5a8.5 8.5 0 1 1 15 0zM12 14l4-4.5" />)
export const Bell = icon(<path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4" />)
export const Sliders = icon(<path d="M4 7h9M17 7h3M4 17h3M11 17h9M13 4.5v5h4v-5zM7 14.5v5h4v-5z" />)
export const More = icon(<path d="M5 12h.01M12 12h.01M19 12h.01" />)
