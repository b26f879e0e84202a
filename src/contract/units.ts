/** The units a status may name (wire contract §4). Any other text of at most 16 characters is shown as it is. */
export const units = {
  '°C': 'temperature',
  '%': 'share, relative humidity',
  hPa: 'pressure',
  V: 'voltage',
  A: 'current',
  W: 'power',
  Wh: 'energy',
  lx: 'illuminance',
  dBm: 'signal strength',
  s: 'time',
  ppm: 'concentration',
  'µg/m³': 'particulate matter',
  m: 'length',
  mm: 'length, rain',
  'm/s': 'speed',
  l: 'volume',
  'l/min': 'flow',
  Hz: 'frequency',
  dB: 'sound level',
  g: 'mass',
  '°': 'angle',
} as const satisfies Record<string, string>

export type Unit = keyof typeof units

export const isKnownUnit = (unit: string): unit is Unit => Object.hasOwn(units, unit)
