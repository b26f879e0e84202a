/** The normative statements of MQTT 3.1.1 (OASIS Standard, 29 October 2014) in our own words, with the test that holds each, or why none
 *  does. docs/reference/mqtt.md is made from it; clauses.test.ts proves that the tests are there. */
export interface Clause {
  /** `MQTT-` in front of it is the statement's name. */
  readonly id: string
  readonly says: string
  /** Tests, any of which would fail if the broker broke it. */
  readonly held?: readonly (readonly [file: TestFile, name: string])[]
  /** Why no test of the broker holds it. */
  readonly why?: string
}

export const testFiles = {
  clauses: 'test/broker/clauses.test.ts',
  differential: 'test/broker/differential.test.ts',
  differences: 'test/broker/differences.test.ts',
  faults: 'test/broker/faults.test.ts',
  guard: 'src/broker/embedded/guard.test.ts',
  identity: 'src/broker/embedded/identity.test.ts',
  lasting: 'src/broker/embedded/lasting.test.ts',
  matching: 'src/broker/embedded/matching.property.test.ts',
  model: 'src/broker/embedded/session-model.test.ts',
  packets: 'src/broker/wire/packets.test.ts',
  publishing: 'src/broker/embedded/publishing.test.ts',
} as const
export type TestFile = keyof typeof testFiles

const held = (id: string, says: string, ...tests: (readonly [TestFile, string])[]): Clause => ({ id, says, held: tests })
const open = (id: string, says: string, why: string): Clause => ({ id, says, why })
const client = (id: string, says: string): Clause => open(id, says, 'binds clients')
const noWebSocket = 'there is no WebSocket listener'

const histories = ['model', 'any history of a session (persistent: %s) keeps its promises'] as const
const answers = ['clauses', 'every answer carries the id of what it answers'] as const
const wills = ['lasting', 'published when the connection is lost, not after DISCONNECT'] as const
const willAsSaid = ['clauses', 'a will comes as CONNECT said: QoS %i, retained %s'] as const
const again = ['lasting', 'what was not acknowledged comes again, marked DUP, in its order and before what waits'] as const
const present = ['clauses', 'CONNACK is the first packet, also when messages wait, and says whether a session was kept'] as const
const cleanSession = [
  'clauses',
  'a clean session begins with nothing of an earlier one and leaves nothing to a later one',
] as const
const survives = ['lasting', 'sessions, messages, QoS 2 ids and retained messages survive a restart'] as const
const filtersInOrder = [
  'clauses',
  'several filters are several subscriptions, answered by one code each, in their order',
] as const
const routedOnce = ['publishing', 'a QoS 2 message is routed once, at PUBLISH, however often it is sent again'] as const
const retainedFlag = ['lasting', 'the last one comes to each new subscription with the flag; later ones without it'] as const
const ordered = ['publishing', 'order is kept for a publisher and a topic, at every QoS, over many groups'] as const
const router = ['matching', 'the router finds whom the standard says, at the highest grant, after any history'] as const

export const clauses: readonly Clause[] = [
  held(
    '1.5.3-1',
    'text that is no well-formed UTF-8 closes the connection',
    ['guard', 'a client id that is not UTF-8'],
    ['guard', 'a user name with a surrogate'],
    ['guard', 'PUBLISH to invalid UTF-8'],
  ),
  held(
    '1.5.3-2',
    'text with U+0000 closes the connection',
    ['guard', 'a client id with NUL'],
    ['guard', 'PUBLISH to a topic with NUL'],
  ),
  held('1.5.3-3', 'U+FEFF is never skipped or stripped', ['clauses', 'U+FEFF is a character like any other, wherever it stands']),
  held('2.2.2-1', 'reserved flag bits have the value of the table', ['packets', 'answers read as what was meant']),
  held(
    '2.2.2-2',
    'other flag bits close the connection',
    ['guard', 'SUBSCRIBE with wrong flags'],
    ['guard', 'PUBREL with wrong flags'],
    ['guard', 'flags in the fixed header'],
  ),
  held(
    '2.3.1-1',
    'SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 carry an id that is not 0',
    ['guard', 'PUBLISH with packet id 0'],
    ['guard', 'SUBSCRIBE with packet id 0'],
    ['guard', 'UNSUBSCRIBE with packet id 0'],
  ),
  client('2.3.1-2', 'a client gives a new packet an id that is not in use'),
  client('2.3.1-3', 'a client sends a packet again under its own id'),
  held(
    '2.3.1-4',
    'a server does the same with what it publishes above QoS 0',
    ['clauses', 'deliveries that are not acknowledged all have their own id, none 0, over more than 65,535 of them'],
    again,
  ),
  held('2.3.1-5', 'PUBLISH at QoS 0 has no packet id', ['packets', 'a PUBLISH reads as what was meant, at every size and QoS']),
  held('2.3.1-6', 'PUBACK, PUBREC and PUBREL have the id of the PUBLISH', answers),
  held('2.3.1-7', 'SUBACK and UNSUBACK have the id of the request', answers),
  held('3.1.0-1', 'the first packet of a client is CONNECT', ['guard', 'another packet first']),
  held(
    '3.1.0-2',
    'a second CONNECT closes the connection',
    ['guard', 'a second CONNECT'],
    ['differences', 'a second CONNECT: both close, ours publishes the will [MQTT-3.1.0-2, MQTT-3.1.2-8]'],
  ),
  held(
    '3.1.2-1',
    'another protocol name may close the connection; it is not read on as MQTT 3.1.1',
    ['guard', 'another protocol'],
    ['guard', 'HTTP'],
  ),
  held(
    '3.1.2-2',
    'a level that is not spoken gets CONNACK 1, then the connection closes',
    ['guard', '1 for a level that is none'],
    ['guard', "MQTT 5's own refusal for level 5"],
  ),
  held('3.1.2-3', 'the reserved CONNECT flag is 0, else the connection closes', ['guard', 'the reserved flag']),
  held('3.1.2-4', 'clean session 0 goes on with the kept session, or begins one', present, [
    'lasting',
    'a clean session is forgotten, a persistent one waits with its messages',
  ]),
  held(
    '3.1.2-5',
    'after a disconnect messages at QoS 1 and 2 are kept for such a session',
    ['lasting', 'a clean session is forgotten, a persistent one waits with its messages'],
    ['faults', 'kill -9 again and again: subscribers hear every acknowledged message, QoS 2 exactly once'],
  ),
  held('3.1.2-6', 'clean session 1 throws away an earlier session and uses its own state in no later one', cleanSession),
  held('3.1.2-7', 'retained messages are no part of a session and stay when it ends', [
    'clauses',
    'what is retained outlives the session that published it',
  ]),
  held(
    '3.1.2-8',
    'a will is published when the connection ends without DISCONNECT',
    wills,
    ['lasting', 'published for a violation of the protocol'],
    ['guard', 'who is silent for one and a half keep alives is closed, with its will'],
  ),
  held('3.1.2-9', 'the will flag brings will topic and will message in the payload, and uses will QoS and retain', willAsSaid, [
    'guard',
    'a will to nothing',
  ]),
  held('3.1.2-10', 'a will is forgotten once published, or on DISCONNECT', wills),
  held(
    '3.1.2-11',
    'without the will flag there are no will fields',
    ['guard', 'will QoS without a will'],
    ['guard', 'bytes behind its end'],
  ),
  held('3.1.2-12', 'without the will flag no will is published', [
    'differential',
    'random scripts with a %s window: every client sees the same',
  ]),
  held('3.1.2-13', 'without the will flag will QoS is 0', ['guard', 'will QoS without a will']),
  held('3.1.2-14', 'will QoS is 0, 1 or 2', ['guard', 'will QoS 3']),
  held('3.1.2-15', 'without the will flag will retain is 0', ['guard', 'will retain without a will']),
  held('3.1.2-16', 'will retain 0: published as not retained', willAsSaid),
  held('3.1.2-17', 'will retain 1: published as retained', willAsSaid),
  held('3.1.2-18', 'without the user name flag there is no user name', ['guard', 'bytes behind its end']),
  held('3.1.2-19', 'with the user name flag there is one', ['guard', '4 for a user without a password']),
  held('3.1.2-20', 'without the password flag there is no password', ['guard', 'bytes behind its end']),
  held('3.1.2-21', 'with the password flag there is one', ['guard', '4 for a wrong password']),
  held('3.1.2-22', 'no password flag without a user name flag', ['guard', 'a password without a user']),
  client('3.1.2-23', 'a client with a keep alive sends something within it, PINGREQ if nothing else'),
  held('3.1.2-24', 'one and a half keep alives of silence end the connection', [
    'guard',
    'who is silent for one and a half keep alives is closed, with its will',
  ]),
  held(
    '3.1.3-1',
    'payload fields stand in the order of the standard',
    ['clauses', 'a will comes as CONNECT said: QoS %i, retained %s'],
    ['guard', 'a client id cut short'],
  ),
  held('3.1.3-2', 'the client id names the session', present, [
    'lasting',
    'a persistent session changes hands with what is under way',
  ]),
  held('3.1.3-3', 'a client id is present', ['guard', 'no client id at all']),
  held('3.1.3-4', 'it is UTF-8', ['guard', 'a client id that is not UTF-8']),
  held('3.1.3-5', 'ids of 1 to 23 letters and digits are taken', ['clauses', 'ids of 1 and of 23 letters and digits are taken']),
  held('3.1.3-6', 'a server may take an empty one and then gives an id of its own', [
    'clauses',
    'clients without an id and with a clean session live side by side',
  ]),
  held('3.1.3-7', 'an empty one comes with clean session 1', ['guard', '2 for no client id and a session to keep']),
  held('3.1.3-8', 'else it gets CONNACK 2 and is closed', ['guard', '2 for no client id and a session to keep']),
  held('3.1.3-9', 'an id that is refused gets CONNACK 2 and is closed', ['guard', '2 for no client id and a session to keep']),
  held('3.1.3-10', 'the will topic is UTF-8', ['guard', 'a will to a filter'], ['guard', 'a will to nothing']),
  held('3.1.3-11', 'the user name is UTF-8', ['guard', 'a user name with a surrogate']),
  held(
    '3.1.4-1',
    'a CONNECT that breaks the rules of its section is closed without CONNACK',
    ['guard', 'bytes behind its end'],
    ['guard', 'a password without a user'],
  ),
  held(
    '3.1.4-2',
    'a second client with the same id disconnects the first',
    ['lasting', 'the old connection is closed, then its will comes, then what the new one says'],
    ['lasting', '300 fast ones leave one client, one session and 299 wills'],
  ),
  held('3.1.4-3', 'clean session is done as said above', cleanSession),
  held(
    '3.1.4-4',
    'CONNECT is answered with CONNACK 0 when it is accepted',
    ['guard', '0 for protocol level 4'],
    ['guard', '0 for 3.1 by its own name'],
  ),
  held('3.1.4-5', 'nothing that a client sends behind a CONNECT that is refused is looked at', [
    'clauses',
    'what stands behind a refused CONNECT is not looked at',
  ]),
  held('3.2.0-1', 'the first packet of a server is CONNACK', present),
  held('3.2.2-1', 'clean session 1: session present 0', present),
  held('3.2.2-2', 'clean session 0: session present says whether there was one', present),
  held('3.2.2-3', 'without one it is 0', present),
  held('3.2.2-4', 'with a code other than 0 it is 0', ['guard', '4 for a wrong password']),
  held(
    '3.2.2-5',
    'a code other than 0 closes the connection',
    ['guard', '4 for a wrong password'],
    ['clauses', 'what stands behind a refused CONNECT is not looked at'],
  ),
  held('3.2.2-6', 'where no code fits the connection closes without CONNACK', ['guard', 'another protocol']),
  held('3.3.1-1', 'DUP is set on what is sent again', again, histories),
  held(
    '3.3.1-2',
    'DUP is 0 at QoS 0',
    ['guard', 'PUBLISH at QoS 0 with DUP'],
    ['packets', 'a PUBLISH reads as what was meant, at every size and QoS'],
  ),
  held('3.3.1-3', "DUP of a delivery says nothing of the publisher's DUP", ['clauses', "a publisher's DUP is not handed on"]),
  held('3.3.1-4', 'QoS 3 closes the connection', ['guard', 'PUBLISH at QoS 3']),
  held('3.3.1-5', 'RETAIN 1 is kept with its QoS for later subscribers', retainedFlag, survives),
  held('3.3.1-6', 'a new subscription gets the last retained message of each topic it matches', retainedFlag, [
    'matching',
    'retained messages match as subscriptions do, after any history, within their bounds',
  ]),
  held('3.3.1-7', 'a retained QoS 0 message replaces what was kept', [
    'clauses',
    'retained at QoS 0 replaces what was retained; without RETAIN it replaces nothing',
  ]),
  held('3.3.1-8', 'RETAIN is 1 on what a new subscription gets', retainedFlag),
  held('3.3.1-9', 'RETAIN is 0 on what an existing subscription gets', retainedFlag),
  held('3.3.1-10', 'an empty retained message is delivered and clears the topic', [
    'lasting',
    'an empty payload clears it, and still goes to those who are there',
  ]),
  held(
    '3.3.1-11',
    'an empty message is not kept',
    ['lasting', 'an empty payload clears it, and still goes to those who are there'],
    ['matching', 'retained messages match as subscriptions do, after any history, within their bounds'],
  ),
  held('3.3.1-12', 'RETAIN 0 neither keeps nor replaces', [
    'clauses',
    'retained at QoS 0 replaces what was retained; without RETAIN it replaces nothing',
  ]),
  held(
    '3.3.2-1',
    'the topic name stands first and is UTF-8',
    ['guard', 'PUBLISH to invalid UTF-8'],
    ['guard', 'PUBLISH cut in its topic'],
  ),
  held('3.3.2-2', 'it has no wildcards', ['guard', 'PUBLISH to a wildcard']),
  held('3.3.2-3', 'a delivery matches a filter of its subscriber', router),
  held('3.3.4-1', 'QoS 0 gets no answer, QoS 1 PUBACK, QoS 2 PUBREC', answers, [
    'publishing',
    'PUBACKs leave in order of arrival, denied publishes and QoS 2 included',
  ]),
  held(
    '3.3.5-1',
    'overlapping filters deliver at the highest of their grants',
    ['publishing', 'overlapping filters give one copy, at the highest grant'],
    router,
  ),
  held('3.3.5-2', 'a publish that is not permitted is acknowledged, or the connection closes', [
    'identity',
    'a denied publish is acknowledged, not forwarded, counted by user; the connection stays',
  ]),
  held('3.6.1-1', 'flags of PUBREL are 0010, else the connection closes', ['guard', 'PUBREL with wrong flags']),
  held('3.8.1-1', 'flags of SUBSCRIBE are 0010, else the connection closes', ['guard', 'SUBSCRIBE with wrong flags']),
  held(
    '3.8.3-1',
    'filters are UTF-8',
    ['guard', 'SUBSCRIBE to an empty filter'],
    ['clauses', 'a filter that is not UTF-8, or has NUL, closes the connection'],
  ),
  open('3.8.3-2', 'a server without wildcards rejects filters that have them', 'wildcards are supported'),
  held('3.8.3-3', 'SUBSCRIBE has at least one filter', ['guard', 'SUBSCRIBE to nothing']),
  held(
    '3.8.3-4',
    'reserved bits of a requested QoS are 0 and it is at most 2, else the connection closes',
    ['guard', 'SUBSCRIBE with QoS 3'],
    ['guard', 'SUBSCRIBE with reserved bits'],
  ),
  held('3.8.4-1', 'SUBSCRIBE is answered with SUBACK', filtersInOrder),
  held('3.8.4-2', 'under its id', answers),
  held(
    '3.8.4-3',
    'the same filter again replaces the grant, sends retained messages again and interrupts nothing',
    ['clauses', 'the same filter again: the new grant, the retained message again, one copy of each later one'],
    ['clauses', 'subscribing again loses nothing of a stream'],
  ),
  held('3.8.4-4', 'several filters are taken as several SUBSCRIBEs with one answer', filtersInOrder),
  held('3.8.4-5', 'SUBACK has a code for each filter', filtersInOrder, [
    'identity',
    'a denied filter gets 0x80, alone, and is not stored either',
  ]),
  held('3.8.4-6', 'deliveries are at the lower of grant and published QoS', [
    'publishing',
    'a subscription at QoS %i gets each message at the lower of the two',
  ]),
  held('3.9.3-1', 'codes of SUBACK stand in the order of the filters', filtersInOrder),
  held('3.9.3-2', 'they are 0, 1, 2 or 0x80', filtersInOrder),
  held('3.10.1-1', 'flags of UNSUBSCRIBE are 0010, else the connection closes', [
    'clauses',
    'UNSUBSCRIBE with wrong flags closes the connection',
  ]),
  held('3.10.3-1', 'its filters are UTF-8', ['clauses', 'a filter that is not UTF-8, or has NUL, closes the connection']),
  held('3.10.3-2', 'it has at least one', ['guard', 'UNSUBSCRIBE from nothing']),
  held('3.10.4-1', 'a filter is taken away when it is the same letter by letter', [
    'clauses',
    'UNSUBSCRIBE takes away filters that are the same letter by letter, several in one packet',
  ]),
  held('3.10.4-2', 'no new message is then added for it', [
    'publishing',
    'an unsubscribed filter gets nothing more; unsubscribing what is not there is acknowledged',
  ]),
  held('3.10.4-3', 'QoS 1 and 2 messages under way are brought to their end', [
    'clauses',
    'what was under way when UNSUBSCRIBE came is brought to its end',
  ]),
  held('3.10.4-4', 'UNSUBACK has the id of the request', answers),
  held('3.10.4-5', 'UNSUBACK comes also when no filter was held', answers, [
    'publishing',
    'an unsubscribed filter gets nothing more; unsubscribing what is not there is acknowledged',
  ]),
  held('3.10.4-6', 'several filters are taken as several UNSUBSCRIBEs with one answer', [
    'clauses',
    'UNSUBSCRIBE takes away filters that are the same letter by letter, several in one packet',
  ]),
  held('3.12.4-1', 'PINGREQ is answered with PINGRESP', [
    'faults',
    'idle connections cost little memory each and are all still there',
  ]),
  held('3.14.1-1', 'reserved bits of DISCONNECT are 0, else the connection closes', [
    'clauses',
    'DISCONNECT with wrong flags closes the connection, with its will',
  ]),
  client('3.14.4-1', 'a client closes the connection after DISCONNECT'),
  client('3.14.4-2', 'and sends nothing more'),
  held('3.14.4-3', 'a server forgets the will on DISCONNECT', wills),
  held('4.1.0-1', 'session state lasts as long as the session', histories, survives),
  held('4.1.0-2', 'a session lasts at least as long as its connection', histories),
  held('4.2.0-1', 'the transport is an ordered, lossless stream of bytes', [
    'publishing',
    'a client that dribbles single bytes is understood',
  ]),
  held('4.3.1-1', 'QoS 0 is sent with QoS 0 and DUP 0', ['packets', 'a PUBLISH reads as what was meant, at every size and QoS']),
  held('4.3.2-1', 'QoS 1: a free id, DUP 0 at first, unacknowledged until PUBACK', histories, again),
  held('4.3.2-2', 'QoS 1 received: PUBACK, after which the id is a new message', [
    'clauses',
    'an id that was acknowledged to its end is a new message, DUP or not',
  ]),
  held('4.3.3-1', 'QoS 2: PUBLISH until PUBREC, then PUBREL until PUBCOMP, never PUBLISH again', histories, [
    'clauses',
    'a subscriber at QoS 2 gets PUBREL under the same id, once for each PUBREC, and the message once',
  ]),
  held(
    '4.3.3-2',
    'QoS 2 received: PUBREC, no second delivery until PUBREL, which gets PUBCOMP',
    routedOnce,
    ['clauses', 'an id that was acknowledged to its end is a new message, DUP or not'],
    ['clauses', 'PUBREL for an id that is not open is answered with PUBCOMP'],
  ),
  held(
    '4.4.0-1',
    'a kept session that comes back gets unacknowledged PUBLISH and PUBREL again under their ids',
    again,
    histories,
    survives,
  ),
  held(
    '4.5.0-1',
    'what the server has taken is added to the state of every session that matches',
    ['lasting', 'a message for an absent persistent session is on the disk when its publisher hears of it'],
    ['faults', 'kill -9 again and again: subscribers hear every acknowledged message, QoS 2 exactly once'],
  ),
  client('4.5.0-2', 'a client acknowledges whatever it does with a message'),
  client('4.6.0-1', 'a client sends again in the order of the first time'),
  held('4.6.0-2', 'PUBACKs leave in the order of the messages (a rule for clients that this server keeps too)', [
    'publishing',
    'PUBACKs leave in order of arrival, denied publishes and QoS 2 included',
  ]),
  held('4.6.0-3', 'so do PUBRECs', ['publishing', 'PUBACKs leave in order of arrival, denied publishes and QoS 2 included']),
  client('4.6.0-4', 'PUBRELs leave in the order of the PUBRECs'),
  held('4.6.0-5', 'a topic is ordered unless somebody says otherwise', ordered),
  held('4.6.0-6', 'messages of a client on an ordered topic reach a subscriber in their order', ordered, [
    'differential',
    'random scripts with a %s window: every client sees the same',
  ]),
  held(
    '4.7.1-1',
    'wildcards stand in filters, never in names',
    ['guard', 'PUBLISH to a wildcard'],
    ['guard', 'a will to a filter'],
  ),
  held('4.7.1-2', '# stands alone in the last level', ['guard', 'SUBSCRIBE with # in the middle']),
  held('4.7.1-3', '+ stands alone in its level', ['guard', 'SUBSCRIBE with + beside letters']),
  held(
    '4.7.2-1',
    'a filter that begins with a wildcard does not see names that begin with $',
    ['identity', '$SYS values are there for local clients and services, not for nodes, and not under #'],
    router,
  ),
  held(
    '4.7.3-1',
    'names and filters have at least one character',
    ['guard', 'PUBLISH to nothing'],
    ['guard', 'SUBSCRIBE to an empty filter'],
    ['clauses', 'a topic of one character, of a space, of slashes alone is a topic'],
  ),
  held(
    '4.7.3-2',
    'and no U+0000',
    ['guard', 'PUBLISH to a topic with NUL'],
    ['clauses', 'a filter that is not UTF-8, or has NUL, closes the connection'],
  ),
  held('4.7.3-3', 'and at most 65,535 bytes (this server takes 256)', [
    'guard',
    'a topic or filter too long or too deep is denied, not a reason to disconnect',
  ]),
  held('4.7.3-4', 'they are compared as they are, nothing is normalised', [
    'clauses',
    'topics are compared as they are: case, spaces, accents and empty levels count',
  ]),
  held(
    '4.8.0-1',
    'a violation of the protocol closes the connection it came on',
    ['guard', 'what only a server sends'],
    ['guard', 'a bad packet of one client never spoils what another says'],
  ),
  held('4.8.0-2', 'a transient error while a packet is processed closes the connection', [
    'publishing',
    'a client with more unreleased QoS 2 messages than allowed is disconnected',
  ]),
  open('6.0.0-1', 'WebSocket: binary frames only', noWebSocket),
  open('6.0.0-2', 'WebSocket: packets need not be aligned to frames', noWebSocket),
  open('6.0.0-3', 'WebSocket: the client offers the subprotocol mqtt', noWebSocket),
  open('6.0.0-4', 'WebSocket: the server chooses mqtt', noWebSocket),
  open('7.0.0-1', 'a server that also connects to others conforms as a client too', 'it opens no connections'),
  held('7.0.0-2', 'no extension is needed to work together', [
    'differential',
    'random scripts with a %s window: every client sees the same',
  ]),
  held('7.1.1-1', 'a server offers a transport that is an ordered, lossless stream', [
    'publishing',
    'a client that dribbles single bytes is understood',
  ]),
  client('7.1.2-1', 'a client uses such a transport'),
]
