#include "../check.h"
#include "espalier/own_command.h"
// The libraries behind the core, as on the board.
#include "sensors/adc1.h"
#include "sensors/bme280.h"
#include "sensors/dht22.h"
#include "sensors/ds18b20.h"

/** Sensors on libraries made up here: what is no reading becomes none. */
namespace {

float temperature = 0;
float humidity = 0;
uint32_t millivolts = 0;
bool answers = true;
int begun = 0;
bool waits = true;

bool none(double value) { return value != value; }
bool near(double value, double wanted) { return fabs(value - wanted) < 0.001; }

}  // namespace

DHT::DHT(uint8_t, uint8_t, uint8_t) {}
void DHT::begin(uint8_t) {}
float DHT::readTemperature(bool, bool) { return temperature; }
float DHT::readHumidity(bool) { return humidity; }
TwoWire Wire;
Adafruit_BME280::Adafruit_BME280() {}
bool Adafruit_BME280::begin(uint8_t, TwoWire*) {
  begun++;
  return answers;
}
float Adafruit_BME280::readTemperature() { return temperature; }
float Adafruit_BME280::readHumidity() { return humidity; }
float Adafruit_BME280::readPressure() { return 101325; }
OneWire::OneWire(uint8_t) {}
DallasTemperature::DallasTemperature(OneWire*) {}
void DallasTemperature::begin() {}
void DallasTemperature::setWaitForConversion(bool wait) { waits = wait; }
DallasTemperature::request_t DallasTemperature::requestTemperatures() { return {true, 0}; }
float DallasTemperature::getTempCByIndex(uint8_t) { return temperature; }
uint32_t analogReadMilliVolts(uint8_t) { return millivolts; }

namespace {

void testDht22(espalier::test::Check& check) {
  Dht22 sensor(4);
  sensor.begin();
  double out[2] = {};
  temperature = 22.5F;
  humidity = NAN;
  sensor.read(out);
  CHECK(near(out[0], 22.5) && none(out[1]));
}

void testBme280(espalier::test::Check& check) {
  Bme280 sensor;
  double out[3] = {};
  answers = false;
  begun = 0;
  sensor.begin();
  sensor.read(out);
  CHECK(none(out[0]) && none(out[1]) && none(out[2]) && begun == 2);
  // Plugged in: found at the next reading.
  answers = true;
  temperature = 21.25F;
  humidity = 40;
  sensor.read(out);
  CHECK(near(out[0], 21.25) && near(out[1], 40) && near(out[2], 1013.25) && begun == 3);
  sensor.read(out);
  CHECK(begun == 3);
  // All ones from a bus that hangs; then it is looked for again.
  temperature = 188;
  sensor.read(out);
  CHECK(none(out[0]) && none(out[2]));
  sensor.read(out);
  CHECK(begun == 4);
}

void testDs18b20(espalier::test::Check& check) {
  Ds18b20 sensor(13, "water");
  sensor.begin();
  CHECK(!waits && sensor.leadMs() == 750);
  const espalier::Channel* channels = nullptr;
  CHECK(sensor.channels(channels) == 1 && channels[0].name.equals("water"));
  const struct {
    float celsius;
    bool good;
  } cases[] = {{-127, false}, {85, false}, {84.9375F, true}, {85.0625F, true}, {-55, true}, {0, true}};
  for (const auto& one : cases) {
    temperature = one.celsius;
    double out = 0;
    sensor.prepare();
    sensor.read(&out);
    CHECK(one.good ? near(out, static_cast<double>(one.celsius)) : none(out));
  }
}

void testAdc1(espalier::test::Check& check) {
  espalier::Channel level;
  level.name = "level";
  level.unit = "%";
  level.hasRange = true;
  level.max = 100;
  Adc1 sensor(34, level, {50, -25});
  double out = 0;
  millivolts = 1500;
  sensor.read(&out);
  CHECK(near(out, 50));
  millivolts = 3000;
  sensor.read(&out);
  CHECK(none(out));
  Adc1 wrong(25, level, {50, -25});
  millivolts = 1500;
  wrong.read(&out);
  CHECK(none(out));
}

const espalier::test::Unit dht22("sensors dht22", testDht22);
const espalier::test::Unit bme280("sensors bme280", testBme280);
const espalier::test::Unit ds18b20("sensors ds18b20", testDs18b20);
const espalier::test::Unit adc1("sensors adc1", testAdc1);

}  // namespace
