import { type Define, examples } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'
import { wholeNumber } from '../values.ts'

export const definePub: Define = (program, run) => {
  program
    .command('pub <TOPIC> <PAYLOAD>')
    .description('publish one message through the broker, as _manager')
    .option('--qos <Q>', '0, 1 or 2', '1')
    .option('--retain', 'let the broker keep it for later subscribers')
    .addHelpText(
      'after',
      examples(
        'espalier pub iot/node/01/telemetry \'{"node_id":"node_01","sensors":{"temperature":22.5}}\'',
        'espalier pub iot/garden/lamp on --retain',
      ),
    )
    .action((topic: string, payload: string, flags: { qos: string; retain?: boolean }) =>
      run(async context => {
        const qos = wholeNumber(flags.qos, '--qos', 0, 2) as 0 | 1 | 2
        // The broker acknowledges what it does not permit and forwards it to nobody, as mosquitto does: better said here.
        if (!topic.startsWith('iot/') || /[+#\0]/.test(topic))
          throw badInput(`"${topic}" is no topic to publish to`, 'topics below iot/, without + and #')
        const { connectAsManager } = await import('../manager-connection.ts')
        const client = await connectAsManager(context)
        try {
          await client.publishAsync(topic, payload, { qos, retain: flags.retain === true })
        } catch (error) {
          throw new CliError(exits.unreachable, 'not_published', `the broker did not take it: ${(error as Error).message}`)
        } finally {
          await client.endAsync()
        }
        context.out.result(
          { topic, payload, qos, retain: flags.retain === true, time: context.nowMs() },
          () => `published to ${topic} (${Buffer.byteLength(payload)} bytes, QoS ${qos})`,
        )
      }),
    )
}
