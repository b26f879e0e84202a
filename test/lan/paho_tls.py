"""paho-mqtt over TLS: HOST PORT CAFILE USER PASSWORD TOPIC PAYLOAD, or CERT KEY in place of user and password.

Prints "acknowledged" after the PUBACK, "refused N" for a CONNACK other than 0, "tls ..." when the handshake failed.
"""
import ssl
import sys

import paho.mqtt.client as mqtt

kind, host, port, ca, one, two, topic, payload = sys.argv[1:]
try:  # paho 2 names the callback interface, paho 1 (Debian 12) has no such name
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, client_id="anything")
except AttributeError:
    client = mqtt.Client(client_id="anything")
if kind == "cert":
    client.tls_set(ca, certfile=one, keyfile=two)
else:
    client.tls_set(ca)
    client.username_pw_set(one, two)


def on_connect(client, _data, _flags, code):
    if code != 0:
        print("refused", code, flush=True)
        client.disconnect()
        return
    client.publish(topic, payload, 1)


def on_publish(client, _data, _id):
    print("acknowledged", flush=True)
    client.disconnect()


client.on_connect = on_connect
client.on_publish = on_publish
try:
    client.connect(host, int(port))
    client.loop_forever()
except ssl.SSLError as failure:
    print("tls", failure.reason or failure, flush=True)
