/** sim: virtual nodes, for `up --sim` and `espalier simulate`. A broker's address and how many nodes come in; over real MQTT
 *  connections go believable readings, status, acks of commands that were really executed. A node keeps to the wire contract to
 *  the letter (ring and receipts, at most 8 unacknowledged, a command at most once); it never takes a person's ids and never
 *  speaks to anything but that broker. The seed decides signals and faults, chance decides boots. */
export { type Faults, noFaults, parseFaults } from './faults.ts'
export { type Fleet, type FleetOptions, runFleet as startFleet, type SimReport } from './fleet.ts'
export type { BrokerAddress } from './mqtt/link.ts'
export { type RealNodes, startRealNodes } from './real/real.ts'
export type { VirtualNode } from './virtual-node.ts'
