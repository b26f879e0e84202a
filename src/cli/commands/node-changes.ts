import type { Command } from 'commander'
import type { NodeView } from '../../api/nodes.ts'
import type { Context } from '../context.ts'
import { examples, type Runner } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'

/** What a person changes about a node: its name, its tags, whether it is theirs, whether it may come back. */
export function defineChanges(node: Command, run: Runner): void {
  node
    .command('revoke <ID>')
    .description('shut a board out: its credential is invalid at once, its history stays')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('espalier node revoke greenhouse', 'espalier node revoke greenhouse --yes'))
    .action((id: string, flags: { yes?: boolean }) => run(context => revoke(context, id, flags)))
  node
    .command('remove <ID>')
    .description('remove a node with its credential and, unless told otherwise, its history')
    .option('--yes', 'do not ask')
    .option('--keep-history', 'keep its readings')
    .addHelpText('after', examples('espalier node remove greenhouse', 'espalier node remove greenhouse --keep-history --yes'))
    .action((id: string, flags: { yes?: boolean; keepHistory?: boolean }) => run(context => remove(context, id, flags)))
  node
    .command('rename <ID> <NAME>')
    .description('what people call it; an empty name takes it away')
    .addHelpText('after', examples('espalier node rename 01 "Green house"', 'espalier node rename 01 ""'))
    .action((id: string, name: string) => run(context => rename(context, id, name)))
  node
    .command('tag <ID> <TAGS...>')
    .description('+t adds a tag, -t takes it away')
    .allowUnknownOption()
    .addHelpText('after', examples('espalier node tag 01 +outdoor', 'espalier node tag 01 +battery -outdoor'))
    .action((id: string, tags: string[]) => run(context => tag(context, id, tags)))
  node
    .command('claim <ID>')
    .description('"that\'s mine": a node that came by itself')
    .addHelpText('after', examples('espalier node claim 01'))
    .action((id: string) => run(context => claim(context, id)))
}

async function revoke(context: Context, id: string, { yes }: { yes?: boolean }): Promise<void> {
  const client = await context.client()
  await client.node(id)
  await confirmed(context, yes, `Shut ${id} out? It can't connect until it gets a new credential (node rotate).`)
  const identity = await client.revokeNode(id)
  context.out.result(identity, () => `${id} is shut out. Its readings stay; let it in again: espalier node rotate ${id}`)
}

async function remove(context: Context, id: string, flags: { yes?: boolean; keepHistory?: boolean }): Promise<void> {
  const client = await context.client()
  const node = await client.node(id)
  const history = flags.keepHistory ? 'keep' : 'delete'
  const readings = `${node.stored} ${node.stored === 1 ? 'reading' : 'readings'}`
  await confirmed(
    context,
    flags.yes,
    `Remove ${id} and ${flags.keepHistory ? `keep its ${readings}` : `delete its ${readings}`}?`,
  )
  await client.removeNode(id, history)
  context.out.result(
    { id, removed: true, history },
    () => `${id} is removed${flags.keepHistory ? '; its readings are kept' : ''}.`,
  )
}

async function rename(context: Context, id: string, name: string): Promise<void> {
  if (name.length > 64) throw badInput(`the name has ${name.length} characters`, '1 to 64, or "" for none')
  const client = await context.client()
  const node = await client.patchNode(id, { name: name === '' ? null : name })
  context.out.result(node, () => (node.name === null ? `${id} has no name now.` : `${id} is called ${node.name} now.`))
}

const signedTag = /^[+-][a-z0-9][a-z0-9_-]{0,31}$/

async function tag(context: Context, id: string, signed: readonly string[]): Promise<void> {
  for (const one of signed)
    if (!signedTag.test(one))
      throw badInput(
        `"${one}" is no change of tags`,
        '+t or -t, where t is 1 to 32 lower-case letters, digits, _ and -',
        `espalier node tag ${id} +outdoor -battery`,
      )
  const client = await context.client()
  const before = await client.node(id)
  const tags = new Set(before.tags)
  for (const one of signed) one.startsWith('+') ? tags.add(one.slice(1)) : tags.delete(one.slice(1))
  const node = await client.patchNode(id, { tags: [...tags] })
  context.out.result(node, () => tagsText(node))
}

const tagsText = ({ id, tags }: NodeView): string => `${id}: ${tags.length === 0 ? 'no tags' : tags.join(' ')}`

async function claim(context: Context, id: string): Promise<void> {
  const client = await context.client()
  const node = await client.claimNode(id)
  context.out.result(node, () => `${id} is yours.`)
}

/** A person is asked; a script has to say --yes. */
export async function confirmed({ ask }: Context, yes: boolean | undefined, question: string): Promise<void> {
  if (yes) return
  if (ask === null)
    throw new CliError(exits.usage, 'not_confirmed', 'nobody is here to ask: stdin is no terminal', 'add --yes if that is meant')
  const answer = await ask(`${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(exits.refused, 'not_confirmed', 'nothing was changed')
}
