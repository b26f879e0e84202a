import { type Define, examples } from '../definition.ts'
import { badInput } from '../errors.ts'

export const defineDemo: Define = (program, run) => {
  const demo = program.command('demo').description('the virtual nodes of `up`')
  demo
    .command('stop')
    .description('stop them until the next start; yours stay as they are')
    .option('--forget', 'remove them too, with all their readings')
    .addHelpText('after', examples('espalier demo stop', 'espalier demo stop --forget'))
    .action((flags: { forget?: true }) =>
      run(async ({ client, out }) => {
        const result = await (await client()).demoStop(flags.forget === true)
        out.result(result, () =>
          [
            result.stopped.length > 0 ? `stopped ${result.stopped.join(', ')}` : 'no virtual nodes were running',
            ...(result.forgotten.length > 0 ? [`forgot ${result.forgotten.join(', ')} and their readings`] : []),
          ].join('\n'),
        )
        out.message('They come with the next start unless it says --sim 0 (up.sim: 0 in espalier.yaml).')
      }),
    )
  demo
    .command('outage [ID]')
    .description('cut one of them (without ID: all) off for a while: offline, then back with everything it measured')
    .option('--for <SECONDS>', 'how long, 1 to 600', '30')
    .addHelpText('after', examples('espalier demo outage sim-1', 'espalier demo outage --for 60'))
    .action((id: string | undefined, flags: { for: string }) =>
      run(async ({ client, out }) => {
        const seconds = Number(/^(\d+)s?$/.exec(flags.for)?.[1])
        if (!(seconds >= 1 && seconds <= 600)) throw badInput(`--for ${flags.for}`, 'whole seconds from 1 to 600')
        const result = await (await client()).demoOutage(id ?? null, seconds)
        out.result(result, () => `${result.nodes.join(', ')} cut off for ${result.seconds} s`)
        out.message(`Watch it on the page, or: espalier node show ${result.nodes[0]}`)
      }),
    )
}
