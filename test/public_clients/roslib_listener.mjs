// A program that subscribes with roslib, once for each compression. Each sample prints a line.
// Usage: node roslib_listener.mjs <folder of node_modules> <package> <url> <compression>...

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, name, url, ...compressions] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const entry = name === 'roslib' ? `${folder}/node_modules/roslib/dist/RosLib.js` : null;
const ROSLIB = entry ? await import(pathToFileURL(entry)) : require(name);

const say = (step, detail = {}) => console.log(JSON.stringify({ step, ...detail }));

const ros = new ROSLIB.Ros({ url });
ros.on('error', (error) => say('error', { error: String(error) }));
ros.on('connection', () => {
  for (const compression of compressions) {
    const topic = new ROSLIB.Topic({
      ros,
      name: `/haive_os/device/uid7/stream/${compression}`,
      messageType: 'hos_interfaces/DeviceStream',
      compression,
    });
    topic.subscribe((message) => say('sample', { compression, message }));
  }
});
process.stdin.on('data', () => {});
