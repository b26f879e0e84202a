/** The unit of a sensor that declared none, from its name; '' when the name says nothing. Declared units always win. */
const byName: readonly (readonly [RegExp, string])[] = [
  [/rssi/, 'dBm'],
  [/temp|dew/, '°C'],
  [/humid|moisture|battery_level|soc$|_percent$/, '%'],
  [/pressure/, 'hPa'],
  [/volt|_v$|battery/, 'V'],
  [/current|_a$/, 'A'],
  [/power|_w$/, 'W'],
  [/energy/, 'Wh'],
  [/light|lux|illumin/, 'lx'],
  [/co2|voc/, 'ppm'],
  [/pm(1|2|4|10)(_|$)/, 'µg/m³'],
  [/uptime/, 's'],
]

export const guessUnit = (sensor: string): string => byName.find(([pattern]) => pattern.test(sensor))?.[1] ?? ''

const prominent = ['temperature', 'humidity', 'pressure', 'co2', 'soil_moisture', 'light', 'battery']
const rank = (name: string): number => prominent.indexOf(name) + 1 || prominent.length + 1

/** What people look for first comes first; the rest by name. */
export const byProminence = (a: string, b: string): number => rank(a) - rank(b) || (a < b ? -1 : 1)

/** Eight colours that stay apart for the colour-blind (after Okabe and Ito), as CSS tokens. A sensor keeps its colour everywhere. */
export const colourOf = (sensor: string): string => `--chart-${(fixed[sensor] ?? hash(sensor)) % 8}`

// The ones most houses have never share a colour.
const fixed: Readonly<Record<string, number>> = {
  temperature: 0,
  humidity: 1,
  pressure: 2,
  flow: 2,
  light: 3,
  illuminance: 3,
  battery: 4,
  co2: 5,
  soil_moisture: 6,
}

function hash(text: string): number {
  let h = 0
  for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) >>> 0
  return h
}
