"""In place of umqtt.simple, with the part of its face that the example uses: MQTT 3.1.1 over a plain socket, to the broker of the test. It
runs under CPython and MicroPython."""

import os
import socket
import struct


def text(value):
    data = value.encode()
    return struct.pack("!H", len(data)) + data


class MQTTClient:
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0):
        assert user == client_id and password
        self.client_id = client_id
        self.keepalive = keepalive
        self.pid = 0

    def connect(self):
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo("127.0.0.1", int(os.getenv("BROKER_PORT")))[0][-1])
        body = text("MQTT") + b"\x04\x02" + struct.pack("!H", self.keepalive) + text(self.client_id)
        self.send(0x10, body)
        assert self.receive(0x20) == b"\x00\x00"

    def publish(self, topic, msg, retain=False, qos=0):
        assert qos == 1
        self.pid += 1
        self.send(0x32 | retain, text(topic) + struct.pack("!H", self.pid) + msg.encode())
        assert self.receive(0x40) == struct.pack("!H", self.pid)

    def send(self, kind, body):
        size = len(body)
        head = bytes([kind])
        while size > 127:
            head += bytes([size & 127 | 128])
            size >>= 7
        self.sock.send(head + bytes([size]) + body)

    def receive(self, kind):
        head = self.sock.recv(2)
        if len(head) < 2:
            raise OSError("the broker has closed the connection")
        assert head[0] == kind
        return self.sock.recv(head[1])
