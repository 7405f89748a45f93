// A device of the fleet on an ESP32 or ESP8266. It receives serialized commands, reports their
// results and sends a stream. See docs/esp_device.md.
//
// Libraries: WebSockets (arduinoWebSockets, 2.4 or newer) and ArduinoJson (7).

#include <ArduinoJson.h>
#include <WebSocketsClient.h>
#ifdef ESP32
#include <WiFi.h>
#else
#include <ESP8266WiFi.h>
#endif

const char *WIFI_NAME = "lab";
const char *WIFI_PASSWORD = "…";

const char *GATEWAY_HOST = "192.168.1.10";
const uint16_t GATEWAY_PORT = 9091;
// "/" if the gateway needs no token, else "/?token=" and the output of `hos token add`.
const char *GATEWAY_PATH = "/?token=hos_…";

const uint32_t UID = 10758656;  // must match the row in the fleet's table

const uint32_t PING_MS = 5000;
const uint32_t SAMPLE_MS = 1000;

WebSocketsClient webSocket;
String service;
uint32_t lastPing = 0;
uint32_t lastSample = 0;
bool isConnected = false;

void send(const JsonDocument &frame) {
  String text;
  serializeJson(frame, text);
  webSocket.sendTXT(text);
}

void advertise() {
  JsonDocument frame;
  frame["op"] = "advertise_service";
  frame["type"] = "hos_interfaces/SerializedDeviceCommand";
  frame["service"] = service;
  send(frame);
}

void registerDevice() {
  JsonDocument frame;
  frame["op"] = "call_service";
  frame["service"] = "haive_os/device/connect";
  frame["args"]["uid"] = UID;
  send(frame);
}

void ping() {
  JsonDocument frame;
  frame["op"] = "publish";
  frame["topic"] = "haive_os/device/ping";
  frame["msg"]["data"] = UID;
  send(frame);
}

void sendSample(float celsius) {
  JsonDocument frame;
  frame["op"] = "publish";
  frame["topic"] = "haive_os/device/uid" + String(UID) + "/stream/temperature";
  frame["msg"]["uid"] = UID;
  frame["msg"]["data"] = "V" + String(celsius, 2);
  send(frame);
}

void sendResult(uint32_t commandId, bool success, const char *error, const String &values) {
  JsonDocument frame;
  frame["op"] = "publish";
  frame["topic"] = "haive_os/device/command_result";
  JsonObject msg = frame["msg"].to<JsonObject>();
  msg["uid"] = UID;
  msg["cmd_id"] = commandId;
  msg["success"] = success;
  msg["error"] = error;
  msg["result_str"] = values;
  send(frame);
}

// Accepts or refuses a command; send it at once, before any work.
void answer(const char *id, bool isValid, const char *error) {
  JsonDocument frame;
  frame["op"] = "service_response";
  frame["id"] = id;
  frame["service"] = service;
  frame["values"]["is_valid"] = isValid;
  frame["values"]["error"] = error;
  frame["result"] = true;
  send(frame);
}

void handleCommand(const JsonDocument &frame) {
  const char *id = frame["id"];
  uint32_t commandId = frame["args"]["cmd_id"];
  const char *command = frame["args"]["serialized_command"];
  int a, b;
  if (sscanf(command, "A%dB%d", &a, &b) != 2) {
    answer(id, false, "expected a command of the form A…B…");
    return;
  }
  answer(id, true, "");
  // The work. It is quick here; longer work belongs into loop(), in small steps, so that the
  // WebSocket stays alive.
  sendResult(commandId, true, "", "V" + String(a + b));
}

void onEvent(WStype_t type, uint8_t *payload, size_t length) {
  if (type == WStype_CONNECTED) {
    isConnected = true;
    advertise();
    registerDevice();
  } else if (type == WStype_DISCONNECTED) {
    isConnected = false;
  } else if (type == WStype_TEXT) {
    JsonDocument frame;
    if (deserializeJson(frame, payload, length)) {
      return;
    }
    const char *op = frame["op"] | "";
    if (strcmp(op, "call_service") == 0) {
      handleCommand(frame);
    } else if (strcmp(op, "status") == 0) {
      Serial.println(frame["msg"].as<const char *>());
    } else if (strcmp(op, "service_response") == 0 && !frame["values"]["success"]) {
      Serial.println(frame["values"]["error"].as<const char *>());
    }
  }
}

void setup() {
  Serial.begin(115200);
  service = "haive_os/device/uid" + String(UID) + "/serialized_command";
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  webSocket.begin(GATEWAY_HOST, GATEWAY_PORT, GATEWAY_PATH);
  webSocket.onEvent(onEvent);
  webSocket.setReconnectInterval(2000);
}

void loop() {
  webSocket.loop();
  uint32_t now = millis();
  if (isConnected && now - lastPing >= PING_MS) {
    lastPing = now;
    ping();
  }
  if (isConnected && now - lastSample >= SAMPLE_MS) {
    lastSample = now;
    sendSample(21.5);  // a real device would measure
  }
}
