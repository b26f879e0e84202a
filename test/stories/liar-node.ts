import mqtt from 'mqtt'

/** A node that looks right and is not: it runs what it should refuse, forgets what it should remember, and changes what it repeats. Each
 *  of its lies is one that a conformance check must find. */
export interface Liar {
  stop(): Promise<void>
}

export async function liarNode(url: string, id: string): Promise<Liar> {
  let boot = 1_000
  let seq = 0
  let line = connect()
  const unsettled: { seq: number; value: number; time: number }[] = []
  const timer = setInterval(() => {
    const reading = { seq: seq++, value: 20, time: Date.now() / 1_000 }
    unsettled.push(reading)
    telemetry(reading)
  }, 250)

  function connect(): mqtt.MqttClient {
    // No last will.
    const client = mqtt.connect(url, { clientId: `${id}`, reconnectPeriod: 200 })
    client.on('connect', () => {
      client.subscribe([`iot/node/${id}/command`, `iot/node/${id}/receipt`], { qos: 1 }, () => {
        status()
        // What is sent again has another value.
        for (const reading of unsettled.slice(-20)) telemetry({ ...reading, value: reading.value + 1 })
      })
    })
    client.on(
      'message',
      (topic, payload) => void (topic.endsWith('/command') && payload.length > 0 && obey(JSON.parse(`${payload}`))),
    )
    client.on('error', () => {})
    return client
  }

  const say = (kind: string, body: object, retain = false): void =>
    void line.publish(`iot/node/${id}/${kind}`, JSON.stringify({ node_id: `node_${id}`, ...body }), { qos: 1, retain })

  function status(): void {
    const firmware = { version: '1.0.0', slot: 'a', confirmed: true }
    say('status', { online: true, boot, interval: 0.25, board: 'liar', firmware, keep: 'receipt', caps: ['dedupe'] }, true)
  }

  function telemetry(reading: { seq: number; value: number; time: number }): void {
    // It never lets go: oldest stays.
    const { seq, value, time } = reading
    say('telemetry', { boot, seq, oldest: { boot, seq: 0 }, timestamp: time, sensors: { temperature: value } })
  }

  let runs = 0
  function obey({ id: command, command: name }: { id: string; command: string }): void {
    runs++
    if (name === 'get_status') status()
    // Every command is done, whatever it is and however often it came.
    say('ack', { id: command, command: name, state: 'done', result: { uptime: runs, sensors: { temperature: runs } } })
    if (name !== 'reboot') return
    boot++
    seq = 0
    unsettled.length = 0
    line.end(true)
    line = connect()
  }

  return {
    async stop() {
      clearInterval(timer)
      await line.endAsync(true)
    },
  }
}
