import { type CodeText, said } from './code-text.ts'
import { limits } from './limits.ts'

/** Why a node did not do what it was told (wire contract §5, §6): `error.code` of an ack. */
export const commandErrors = {
  unknown_command: {
    sentence: 'The node does not know this command.',
    allowed: 'the commands of docs/reference/wire.md, and what the firmware adds',
    mend: 'Check the spelling, or update the firmware.',
  },
  bad_params: {
    sentence: 'The params do not fit the command.',
    allowed: 'the params of docs/reference/wire.md, no others',
    mend: 'Look at the message: it names the param and what is allowed.',
  },
  busy: {
    sentence: 'The node has no room for another command.',
    allowed: `${limits.commandsRemembered} unfinished commands, one update`,
    mend: 'Wait until something is done, then send it again.',
  },
  hardware: {
    sentence: 'The hardware did not do it.',
    allowed: 'what the board can do',
    mend: 'Look at the message, the wiring and the supply.',
  },
  interrupted: {
    sentence: 'The node restarted while it executed the command: it may have run, in part.',
    allowed: 'one execution a command',
    mend: 'Look at the state of the node before you send it again.',
  },
  id_reused: {
    sentence: 'The node saw this command id before with other content.',
    allowed: 'a new id for each command',
    mend: 'Leave the id to the manager.',
  },
  expired: {
    sentence: 'The command came after its time was over, so it was not executed.',
    allowed: `${limits.commandExpiresDefaultS} s unless given, at most ${limits.commandExpiresMaxS} s`,
    mend: 'Send it again, with a longer expires if the node sleeps.',
  },
  retained: {
    sentence: 'The command was a retained message, so it was not executed.',
    allowed: 'commands without the retain flag',
    mend: 'Clear the topic with an empty retained message and send commands with espalier send.',
  },
  bad_manifest: {
    sentence: 'The update does not say what it must, or does not match the image.',
    allowed: 'url, board, version, size, sha256 and signature that fit the image',
    mend: 'Add the image again: espalier firmware add.',
  },
  bad_signature: {
    sentence: 'The signature of the update is not from the key the node trusts.',
    allowed: 'ECDSA P-256 with SHA-256 by the key in the firmware',
    mend: 'Sign with the right key, or flash the node by cable.',
  },
  bad_hash: {
    sentence: 'What stands in flash is not the image.',
    allowed: 'the SHA-256 of the manifest',
    mend: 'Send the update again; if it fails again, suspect the flash.',
  },
  truncated: {
    sentence: 'The image ended early.',
    allowed: 'the size of the manifest',
    mend: 'Send the update again; check the radio link.',
  },
  downgrade: {
    sentence: 'The version is lower than the one that runs.',
    allowed: 'a higher version, or force and a build that allows it',
    mend: 'Use --force if the build allows it, or give the image a higher version.',
  },
  wrong_board: {
    sentence: 'The image is for another board.',
    allowed: "the node's own board",
    mend: 'Choose the image of this board.',
  },
  no_space: {
    sentence: 'The image does not fit the slot.',
    allowed: 'the size of a slot',
    mend: 'Make the image smaller.',
  },
  download_failed: {
    sentence: 'The node could not fetch the image.',
    allowed: 'an HTTPS address the node can reach, with a certificate it trusts',
    mend: 'Check --public-host and the network between the node and this machine.',
  },
  rolled_back: {
    sentence: 'The new image did not confirm itself, the old one runs again.',
    allowed: 'a birth and 3 acknowledged readings within 5 minutes of the start',
    mend: 'A power cut does this too: try once more, then look at the log of the node.',
  },
} as const satisfies Record<string, CodeText>

export type CommandErrorCode = keyof typeof commandErrors
export const commandErrorCodes = Object.keys(commandErrors) as readonly CommandErrorCode[]

/** The `error.message` of an ack. */
export const commandErrorDetail = (code: CommandErrorCode, got: string, allowed?: string): string =>
  said(commandErrors[code], got, allowed)
