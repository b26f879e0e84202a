import { nodeTopic } from '../../contract/topics.ts'
import type { Board } from './board.ts'

/** A whole Python script on paho-mqtt: the same board, on anything that runs Python. */
export function pythonScript(board: Board): string {
  const { id, host, port, ca, proof } = board
  const withCertificate = proof.kind === 'certificate'
  return `#!/usr/bin/env python3
"""${id}: sends a reading every 10 s to Espalier. Made by: espalier node add ${id} --python
It holds the secret of this node, so keep it to yourself. Needs paho-mqtt, 1.x or 2.x: pip install paho-mqtt"""
import json
import math
${withCertificate ? 'import os\n' : ''}import random
${ca === null ? '' : 'import ssl\n'}${withCertificate ? 'import tempfile\n' : ''}import time

import paho.mqtt.client as mqtt

INTERVAL = 10


def read_sensors():
    """Put your sensors here: a name and a number each; None says that a sensor failed."""
    return {"temperature": round(21 + 2 * math.sin(time.time() / 600) + random.uniform(-0.1, 0.1), 2)}


NODE = ${text(id)}
HOST = ${text(host)}
PORT = ${port}
${proof.kind === 'password' ? `USERNAME = ${text(proof.username)}\nPASSWORD = ${text(proof.password)}\n` : ''}${ca === null ? '' : `CA = """${ca.trim()}\n"""\n`}${proof.kind === 'certificate' ? `CERTIFICATE = """${proof.cert.trim()}\n"""\nKEY = """${proof.key.trim()}\n"""\n` : ''}TELEMETRY = ${text(nodeTopic(id, 'telemetry'))}
STATUS = ${text(nodeTopic(id, 'status'))}


def new_client():
    if hasattr(mqtt, "CallbackAPIVersion"):  # paho 2
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=NODE)
    return mqtt.Client(client_id=NODE)


def on_connect(client, userdata, flags, code, properties=None):
    code = getattr(code, "value", code)
    if code != 0:
        print(f"not let in ({code}): wrong ${withCertificate ? 'certificate' : 'password'}? espalier node rotate {NODE} --python")
        return
    print("connected")
    status = {"node_id": f"node_{NODE}", "online": True, "interval": INTERVAL, "board": "python"}
    client.publish(STATUS, json.dumps(status), qos=1, retain=True)


client = new_client()
client.on_connect = on_connect
# The last will: if this program vanishes, the broker says so in its name.
client.will_set(STATUS, json.dumps({"node_id": f"node_{NODE}", "online": False}), qos=1, retain=True)
client.reconnect_delay_set(min_delay=1, max_delay=60)
${proof.kind === 'password' ? 'client.username_pw_set(USERNAME, PASSWORD)\n' : ''}${ca === null ? '' : tlsContext(withCertificate)}
client.connect_async(HOST, PORT, keepalive=30)
client.loop_start()
while True:
    if client.is_connected():
        reading = {"node_id": f"node_{NODE}", "timestamp": round(time.time(), 3), "sensors": read_sensors()}
        client.publish(TELEMETRY, json.dumps(reading), qos=1)
        time.sleep(INTERVAL)
    else:
        time.sleep(0.1)
`
}

/** OpenSSL reads a key from a file only. */
const tlsContext = (certificate: boolean): string => `tls = ssl.create_default_context(cadata=CA)
${
  certificate
    ? `with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as pem:  # readable by this user alone
    pem.write(CERTIFICATE + KEY)
try:
    tls.load_cert_chain(pem.name)
finally:
    os.remove(pem.name)
`
    : ''
}client.tls_set_context(tls)
`

/** Of what ids, hosts and passwords may hold, JSON's strings are Python's. */
const text = (value: string): string => JSON.stringify(value)
