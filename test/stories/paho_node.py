"""A node in Python on paho-mqtt: publishes readings, obeys commands, sends no status at all. What a person writes on the first evening."""
import json
import sys
import time

import paho.mqtt.client as mqtt

host, port, node = sys.argv[1], int(sys.argv[2]), sys.argv[3]
qos = int(sys.argv[4]) if len(sys.argv) > 4 else 1


def on_connect(client, userdata, flags, rc):
    client.subscribe(f"iot/node/{node}/command", qos)


def on_subscribe(client, userdata, mid, granted):
    reading = {
        "node_id": f"node_{node}", "timestamp": 1704844800,
        "sensors": {"temperature": 22.5, "humidity": 45.2}, "wifi_rssi": -65, "uptime": 3600,
    }
    client.publish(f"iot/node/{node}/telemetry", json.dumps(reading), qos)
    print("ready", flush=True)


def on_message(client, userdata, message):
    command = json.loads(message.payload)
    print(json.dumps({"command": command, "qos": message.qos, "retain": message.retain}), flush=True)
    ack = {"node_id": f"node_{node}", "id": command["id"], "command": command["command"], "state": "done", "result": {"echo": command["params"]}}
    client.publish(f"iot/node/{node}/ack", json.dumps(ack), qos)


try:  # paho 2 names the callback interface, paho 1 (Debian 12) has no such name
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, client_id=node)
except AttributeError:
    client = mqtt.Client(client_id=node)
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect(host, port)
client.loop_forever()
