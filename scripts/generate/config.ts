import { upSettings } from '../../src/config/settings.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { code, table } from './markdown.ts'

/** docs/reference/config.md: every setting by its three names. */
export function configReference(): GeneratedFile[] {
  const rows = upSettings.map(({ flag, value, fallback, option, help }) => {
    const name = flag.replaceAll('-', '_')
    const standard = option === 'commitWindowMs' ? `${fallback}ms` : String(fallback)
    return [code(`up.${name}`), code(`--${flag} ${value}`), code(`ESPALIER_${name.toUpperCase()}`), code(standard), help]
  })
  const text = `<!-- ${generatedBy('src/config/settings.ts')} -->
# Settings

A flag goes over the environment, the environment over \`espalier.yaml\` (in the data directory, or \`--config FILE\`), and that over the
default. A value that can't be used ends with exit code 2 and says where it stands, what is wrong and what is allowed.

${table(['in espalier.yaml', 'flag', 'environment', 'default', 'meaning'], rows)}

The data directory says where the file is, so it is not in it: \`--data DIR\` or \`ESPALIER_DATA\`, by default \`data\`. The environment may
also be written as \`ESPALIER_UP__MQTT_PORT\`.

\`\`\`yaml
up:
  mqtt_port: 1884
  sim: 0
  log_level: warn
\`\`\`
`
  return [{ path: 'docs/reference/config.md', text }]
}
