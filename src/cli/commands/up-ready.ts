import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ConnectInfo } from '../../api/identities.ts'
import type { RunInfo } from '../../api/run.ts'
import type { UpOptions } from '../../config/config.ts'
import type { Context } from '../context.ts'
import type { Style } from '../output.ts'

/** What `up` says when everything listens: where things are, and what to do next. */
export function announce(context: Context, options: UpOptions, run: RunInfo, connect: ConnectInfo): void {
  const { out } = context
  if (out.json) {
    out.value({ event: 'ready', ...run })
    return
  }
  const { bold, dim, good } = out.style
  const where = options.data === 'data' ? '' : ` --data ${options.data}`
  const start = `/#token=${tokenText(options.data)}`
  const nodes = options.sim > 1 ? `${options.sim} virtual nodes: sim-1 to sim-${options.sim}` : '1 virtual node: sim-1'
  out.line(
    [
      `${good('●')} ${bold('espalier')} ${run.version} is ready`,
      '',
      `  page   ${bold(`http://${inUrl(run.http.host)}:${run.http.port}${start}`)}`,
      run.broker
        ? `  MQTT   ${bold(run.broker.url)}   ${dim(`not ours; we are ${run.broker.user ?? 'anonymous'} there`)}`
        : `  MQTT   ${bold(`mqtt://${inUrl(run.mqtt.host)}:${run.mqtt.port}`)}   ${dim('no password from this machine')}`,
      `  data   ${options.data}${options.sim > 0 ? `   ${dim(nodes)}` : ''}`,
      '',
      ...lanLines(options, run, connect, start, out.style),
      `  ${dim('In a second terminal:')}`,
      ...examples(options, run).map(line => `    ${line.replaceAll('$WHERE', where)}`),
      '',
      `  ${dim('Ctrl-C stops it; every reading that was acknowledged is on disk.')}`,
      ...(run.mqtts
        ? ['', `  waiting for your first board: run \`${bold(`espalier node add greenhouse --sketch${where}`)}\``]
        : []),
    ].join('\n'),
  )
}

function examples({ sim, simReal }: UpOptions, { mqtt, broker }: RunInfo): string[] {
  const espalier = 'npx --no-install espalier'
  return [
    `${espalier} nodes$WHERE`,
    `${espalier} watch$WHERE`,
    `${espalier} send ${sim > 0 || simReal > 0 ? 'sim-1' : '01'} set_led state=on brightness=128$WHERE`,
    ...(broker ? [] : [publishing(mqtt.port)]),
  ]
}

const publishing = (port: number): string =>
  `mosquitto_pub${port === 1883 ? '' : ` -p ${port}`} -t iot/node/01/telemetry -m '{"node_id":"node_01","sensors":{"temperature":22.5}}'`

/** What others on the network reach, and whom they must trust for it. */
function lanLines(options: UpOptions, run: RunInfo, connect: ConnectInfo, start: string, style: Style): string[] {
  if (!run.https) return []
  const { bold, dim, bad } = style
  // Of somebody else's broker `connect` tells where that is, which need not be here.
  const host = inUrl(run.broker ? (options.publicHost ?? `${hostname()}.local`) : connect.host)
  return [
    `  ${dim('From the LAN, with TLS:')}`,
    `  page   ${bold(`https://${host}:${run.https.port}${start}`)}`,
    ...(run.mqtts
      ? [`  MQTT   ${bold(`mqtts://${host}:${run.mqtts.port}`)}   ${dim('each board with a password or certificate of its own')}`]
      : []),
    `  CA     ${connect.ca_sha256}   ${dim('SHA-256; boards and phones trust this:')}`,
    `         ${join(options.data, 'ca', 'ca.pem')}, https://${host}:${run.https.port}/ca.pem`,
    '',
    ...(connect.mqtt_port === null || run.broker
      ? []
      : [
          `  ${bad('Without TLS too (--insecure):')}`,
          `  MQTT   ${bold(`mqtt://${host}:${connect.mqtt_port}`)}   ${dim('with passwords')}`,
          '         Everybody on this network can read these passwords and readings, and send commands in our name to',
          '         boards that connect here. For sketches that can do no TLS, in a network where you trust everybody.',
          '',
        ]),
  ]
}

const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

function tokenText(data: string): string {
  try {
    return readFileSync(join(data, 'token'), 'utf8').trim()
  } catch {
    return ''
  }
}
