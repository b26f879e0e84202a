import { type Define, examples } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'
import { wholeNumber } from '../values.ts'

export const definePub: Define = (program, run) => {
  program
    .command('pub <TOPIC> <PAYLOAD>')
    .description('publish one message through the broker, as _manager')
    .option('--qos <Q>', '0 or 1', '1')
    .option('--retain', 'let the broker keep it for later subscribers')
    .addHelpText(
      'after',
      examples(
        'espalier pub garden/lamp on',
        'espalier pub garden/lamp on --retain',
        'espalier pub iot/node/sim-1/command \'{"command":"identify"}\'',
      ),
    )
    .action((topic: string, payload: string, flags: { qos: string; retain?: boolean }) =>
      run(async context => {
        const qos = wholeNumber(flags.qos, '--qos', 0, 2) as 0 | 1 | 2
        if (topic === '' || /[+#\0]/.test(topic)) throw badInput(`"${topic}" is no topic to publish to`, 'a name without + and #')
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
