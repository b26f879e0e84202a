import { broker } from '../state/house.ts'
import { Copyable } from './copyable.tsx'

const reading = '{"node_id":"node_01","sensors":{"temperature":22.5}}'

/** Nobody has spoken yet: the next step, to copy. */
export function EmptyHouse() {
  const listener = broker.value?.listeners.find(one => !one.tls) ?? broker.value?.listeners[0]
  const port = listener?.port ?? 1883
  return (
    <section class="panel empty">
      <h2>No node has spoken yet</h2>
      <p>Whoever publishes this message is a node. It appears here by itself, about as fast as you can look up:</p>
      <Copyable text={`mosquitto_pub -p ${port} -t iot/node/01/telemetry -m '${reading}'`} />
      <p>Without mosquitto's tools, in the folder of Espalier:</p>
      <Copyable text={`npx --no-install espalier pub iot/node/01/telemetry '${reading}'`} />
      <p>Or let three virtual boards speak for ten minutes:</p>
      <Copyable text="npx --no-install espalier simulate --nodes 3 --for 10m" />
      <p class="dim">
        A board of your own needs a credential as soon as it comes over the network: <a href="/boards">add it</a>. It sent
        something and nothing shows? <a href="/messages">What your boards just said</a> has also what could not be read, and why.
      </p>
    </section>
  )
}
