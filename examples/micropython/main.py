import json, machine, network, time
from umqtt.simple import MQTTClient

wifi = network.WLAN(network.STA_IF)
wifi.active(True)
wifi.connect("your Wi-Fi", "its password")
light = machine.ADC(machine.Pin(34))


def reading():
    return json.dumps({"node_id": "node_01", "sensors": {"light": light.read_u16()}})


while True:
    try:
        mqtt = MQTTClient("01", "192.168.1.20", user="01", password="the password of 01", keepalive=30)
        mqtt.connect()
        while True:
            mqtt.publish("iot/node/01/telemetry", reading(), qos=1)
            time.sleep(1)
    except Exception:  # a line cut, or a broker that refuses: MQTTException, OSError, IndexError
        time.sleep(5)
