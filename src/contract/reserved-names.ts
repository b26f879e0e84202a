/** Names no sensor may have: they mean something else in a point or an envelope (wire contract §2). */
export const reservedNames = ['time', 'node', 'site', 'boot', 'seq', 'timestamp', 'wifi_rssi', 'uptime'] as const
