import { configSchema } from '../../src/config/schema.ts'
import { sections } from '../../src/config/sections.ts'
import { defaultText, keyOf, type UpSetting, upSettings, variablesOf } from '../../src/config/settings.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { code, table } from './markdown.ts'

/** docs/reference/config.md: every setting by its three names; contract/schema/espalier.schema.json: the same for editors. */
export function configReference(): GeneratedFile[] {
  const text = `<!-- ${generatedBy('src/config/settings.ts')} -->
# Settings

A flag of \`espalier up\` goes over the environment, the environment over \`espalier.yaml\` (in the data directory, or \`--config FILE\`), and that
over the default. A value that can't be used ends with exit code 2 and says where it stands, what is wrong and what is allowed;
\`espalier config check\` says it without starting. *Reload*: taken over by \`espalier config reload\` and SIGHUP; the others need a restart.
\`espalier config show\` lists what is in force and where each comes from.

${table(['in espalier.yaml', 'flag', 'environment', 'default', 'allowed', 'changes by', 'meaning'], upSettings.map(row))}

A key a.b_c is ESPALIER_A__B_C in the environment; those below \`up:\` are also written without it: ESPALIER_UP__MQTT_PORT and
ESPALIER_MQTT_PORT. The data directory says where the file is, so it is not in it: \`--data DIR\` or \`ESPALIER_DATA\`, by default \`data\`.

## Keys that hold a tree

${table(['in espalier.yaml', 'flag', 'environment', 'changes by', 'meaning'], sections.map(sectionRow))}

As a flag or a variable the whole tree is JSON. One value of it is ESPALIER_KEY__STEP__STEP, items of a list by number or name:
ESPALIER_ALERTS__CHANNELS__PHONE__TOKEN. A secret X may also be in a file: X_FILE in the environment, \`x_file\` in the tree.

## An example

The first line lets editors complete and check it; \`espalier config schema > espalier.schema.json\` makes the file.

\`\`\`yaml
# yaml-language-server: $schema=espalier.schema.json
up:
  mqtt_port: 1884
  sim: 0
  log_level: warn
retention:
  raw_age: 1y
backup:
  dir: /mnt/usb/espalier
\`\`\`
`
  const schema = JSON.stringify(configSchema(), null, 2)
  return [
    { path: 'docs/reference/config.md', text },
    {
      path: 'contract/schema/espalier.schema.json',
      text: `{ "$comment": ${JSON.stringify(generatedBy('src/config'))},${schema.slice(1)}\n`,
    },
  ]
}

const row = (s: UpSetting): string[] => [
  code(keyOf(s)),
  code(`--${s.flag} ${s.value}`),
  code(variablesOf(s)[0]!),
  code(defaultText(s)),
  s.check.allowed,
  s.reload ? 'reload' : 'restart',
  s.help,
]

const sectionRow = (s: (typeof sections)[number]): string[] => [
  code(`${s.key}:`),
  code(`--${s.key} JSON`),
  code(`ESPALIER_${s.key.toUpperCase()}`),
  s.reload ? 'reload' : 'restart',
  s.help,
]
