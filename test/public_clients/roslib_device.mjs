// A device and a caller made with roslib, as its users write them. Each step prints a line.
// Usage: node roslib_device.mjs <folder of node_modules> <package> <url> [<token>]

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, name, url, token] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const entry = name === 'roslib' ? `${folder}/node_modules/roslib/dist/RosLib.js` : null;
const ROSLIB = entry ? await import(pathToFileURL(entry)) : require(name);

const UID = 10758656;
const say = (step, detail = {}) => console.log(JSON.stringify({ step, ...detail }));

const ros = new ROSLIB.Ros({ url });
ros.on('error', (error) => say('error', { error: String(error) }));
ros.on('close', () => say('close'));
ros.on('status', (status) => say('status', { msg: status.msg }));

const topic = (topicName, messageType) => new ROSLIB.Topic({ ros, name: topicName, messageType });
const service = (serviceName, serviceType) =>
  new ROSLIB.Service({ ros, name: serviceName, serviceType });
const call = (target, request) =>
  new Promise((resolve) => {
    target.callService(
      request,
      (values) => resolve({ ok: true, values }),
      (error) => resolve({ ok: false, error }),
    );
  });

const result = topic('haive_os/device/command_result', 'hos_interfaces/DeviceCommandResult');
const command = service(
  `haive_os/device/uid${UID}/command`,
  'hos_interfaces/srv/DeviceCommand',
);

function handle(request, response) {
  if (request.function_name === 'refused') {
    return false; // without values
  }
  if (request.function_name === 'reasoned') {
    response.is_valid = false;
    response.error = 'the door is open';
    return true;
  }
  response.is_valid = true;
  response.error = '';
  // The result is sent inside the handler: before the answer.
  result.publish({
    uid: UID, cmd_id: request.cmd_id, success: true, error: '', result_str: `V${request.num_args}`,
  });
  return true;
}

async function run() {
  if (token) {
    ros.authenticate(token);
  }
  const connect = service('haive_os/device/connect', 'hos_interfaces/ConnectDevice');
  const connected = call(connect, { uid: UID }); // before advertise, as roslib 2 may send it
  command.advertise(handle);
  say('connected', await connected);
  topic('/haive_os/device/ping', 'std_msgs/msg/UInt32').publish({ data: UID });
  topic(`haive_os/device/uid${UID}/stream/temperature`, 'hos_interfaces/DeviceStream').publish({
    uid: UID, data: 'V21.5',
  });
  say('infos', await call(service('/haive_os/connected_devices', 'hos_interfaces/DeviceConnectionInfos'), {}));
  say('api_call', await call(service('haive_os/device/api_call', 'hos_interfaces/DeviceAPICall'), {
    device_id: 'H1', function_name: 'f', args: [],
  }));
  say('foreign', await call(service('/rosapi/topics', 'rosapi/Topics'), {}));
  const results = topic('/haive_os/device/api_call_result', 'hos_interfaces/DeviceAPICallResult');
  results.subscribe((message) => {
    say('heard', { message });
    results.unsubscribe();
    say('unsubscribed');
  });
  say('subscribed');
}

process.stdin.on('data', (data) => {
  if (String(data).includes('unadvertise')) {
    command.unadvertise();
  } else {
    ros.close();
    process.stdin.destroy();
  }
});
ros.on('connection', () => run().catch((error) => say('error', { error: String(error) })));
