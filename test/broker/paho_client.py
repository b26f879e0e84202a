"""paho-mqtt as somebody else's client.

pub HOST PORT QOS TOPIC PAYLOAD...     publishes, waits for the acknowledgements
leave HOST PORT ID QOS TOPIC           subscribes with a session to keep, then disconnects
sub HOST PORT ID CLEAN QOS TOPIC       prints "ready", then a line a message, until the payload is "end"
"""
import sys

import paho.mqtt.client as mqtt

mode, host, port, args = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]


def client_for(client_id, clean):
    try:  # paho 2 names the callback interface, paho 1 (Debian 12) has no such name
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, client_id=client_id, clean_session=clean)
    except AttributeError:
        return mqtt.Client(client_id=client_id, clean_session=clean)


if mode == "pub":
    client = client_for("", True)
    client.connect(host, port)
    client.loop_start()
    for payload in args[2:]:
        client.publish(args[1], payload, int(args[0])).wait_for_publish()
    client.disconnect()
    client.loop_stop()
else:
    client_id, clean = args[0], mode == "sub" and args[1] == "clean"
    qos, topic = int(args[-2]), args[-1]
    client = client_for(client_id, clean)

    def on_connect(client, userdata, flags, rc):
        client.subscribe(topic, qos)

    def on_subscribe(client, userdata, mid, granted):
        print("ready", flush=True)
        if mode == "leave":
            client.disconnect()

    def on_message(client, userdata, message):
        print(f"got {message.qos} {message.retain} {message.payload.decode()}", flush=True)
        if message.payload == b"end":
            client.disconnect()

    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect(host, port)
    client.loop_forever()
