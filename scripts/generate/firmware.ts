import { commandErrorCodes } from '../../src/contract/codes.ts'
import { builtinCommands } from '../../src/contract/commands.ts'
import { limits } from '../../src/contract/limits.ts'
import { ackStates } from '../../src/contract/schemas.ts'
import { brokerTopic, defaultRoot, nodeTopic } from '../../src/contract/topics.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'

/** Of 64 characters, as the schemas count them (UTF-16 units): three bytes each at most in UTF-8. */
const shortCharacters = 64
const shortBytes = shortCharacters * 3

/** What a node needs of the limits; the others are the manager's. */
const nodeLimits = [
  'telemetryBytes',
  'commandBytes',
  'statusBytes',
  'ackBytes',
  'logBytes',
  'receiptBytes',
  'receiptEntries',
  'brokerStatusBytes',
  'depth',
  'sensors',
  'readings',
  'oldestTimestampS',
  'commandsInFlight',
  'commandsRemembered',
] as const

/** firmware/lib/espalier/include/espalier/contract.gen.h: the contract's topics, limits, codes and commands for C++. */
export function firmwareHeader(): GeneratedFile[] {
  const constants = [
    ...nodeLimits.map(name => [`k${capital(name)}`, limits[name]] as const),
    ['kShortCharacters', shortCharacters] as const,
    ['kShortBytes', shortBytes] as const,
    ['kUpdateTextBytes', 512] as const,
  ]
  const builtins = Object.keys(builtinCommands)
  const overReboot = Object.entries(builtinCommands).filter(([, { overReboot }]) => overReboot)
  const text = `// ${generatedBy('src/contract')}
#pragma once
#include "espalier/text.h"

namespace espalier {
namespace contract {

${constants.map(([name, value]) => `constexpr uint32_t ${name} = ${value};`).join('\n')}

constexpr Text kRoot = "${defaultRoot}";
constexpr Text kNodePrefix = "${defaultRoot}/node/";
constexpr Text kBrokerStatusTopic = "${brokerTopic('status')}";
${(['telemetry', 'status', 'ack', 'log', 'command', 'receipt'] as const)
  .map(kind => `constexpr Text k${capital(kind)}Suffix = "${nodeTopic('', kind).slice(`${defaultRoot}/node/`.length)}";`)
  .join('\n')}

${enumeration('Builtin', 'kBuiltins', 'kBuiltinNames', builtins)}

/** Acked accepted before it runs, and done only after the birth of a new boot. */
constexpr bool overReboot(Builtin builtin) {
  return ${overReboot.map(([name]) => `builtin == Builtin::${camel(name)}`).join(' || ')};
}

${enumeration('AckState', 'kAckStates', 'kAckStateNames', ackStates)}

${enumeration('CommandError', 'kCommandErrors', 'kCommandErrorNames', commandErrorCodes)}

}  // namespace contract
}  // namespace espalier
`
  return [{ path: 'firmware/lib/espalier/include/espalier/contract.gen.h', text }]
}

const capital = (name: string): string => name[0]!.toUpperCase() + name.slice(1)
const camel = (name: string): string => name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())

function enumeration(type: string, count: string, names: string, values: readonly string[]): string {
  return `enum class ${type} : uint8_t {
${values.map(value => `  ${camel(value)},`).join('\n')}
};
constexpr size_t ${count} = ${values.length};
/** As on the wire, in the order of the enumeration. */
constexpr Text ${names}[${count}] = {
${values.map(value => `    "${value}",`).join('\n')}
};`
}
