import { brokerChoice } from './broker-url.ts'
import { setting, type UpSetting } from './setting.ts'
import { text } from './values.ts'

/** Which broker, and how it is reached if it is not our own. The password itself has no setting: it comes from the environment or a file. */
export const brokerSettings: readonly UpSetting[] = [
  setting({
    option: 'broker',
    flag: 'broker',
    value: 'URL',
    fallback: 'embedded',
    check: brokerChoice,
    help: 'the own MQTT broker, or the URL of one that is there: mqtt(s)://HOST:PORT',
  }),
  setting({
    option: 'brokerUser',
    flag: 'broker-user',
    value: 'NAME',
    fallback: null,
    check: text(256),
    help: 'with the URL of a broker: our user name there (_manager if there is only a password)',
  }),
  setting({
    option: 'brokerPasswordFile',
    flag: 'broker-password-file',
    value: 'FILE',
    fallback: null,
    check: text(4096),
    help: 'file with its password; or the password itself in ESPALIER_BROKER_PASSWORD',
  }),
  setting({
    option: 'brokerCa',
    flag: 'broker-ca',
    value: 'FILE',
    fallback: null,
    check: text(4096),
    help: 'certificate of the CA that signed the broker, PEM; without it those this machine trusts',
  }),
  setting({
    option: 'brokerCert',
    flag: 'broker-cert',
    value: 'FILE',
    fallback: null,
    check: text(4096),
    help: 'our own certificate for that broker, PEM',
  }),
  setting({
    option: 'brokerKey',
    flag: 'broker-key',
    value: 'FILE',
    fallback: null,
    check: text(4096),
    help: 'its key, PEM',
  }),
]
