#include <PubSubClient.h>
#include <WiFi.h>
WiFiClient network;
PubSubClient mqtt("192.168.1.20", 1883, network);
void setup() { WiFi.begin("your Wi-Fi", "its password"); }
void loop() {
  String reading = "{\"node_id\":\"node_01\",\"sensors\":{\"light\":" + String(analogRead(34)) + "}}";
  if (mqtt.loop() || mqtt.connect("01", "01", "the password of 01")) mqtt.publish("iot/node/01/telemetry", reading.c_str());
  delay(1000);
}
