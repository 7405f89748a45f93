"""
A device and a caller made with roslibpy, as its users write them. Each step prints a line.

Usage: roslibpy_device.py <host> <port> [<token>]
"""

import json
import sys

import roslibpy

UID = 10758656


def say(step, **detail):
    print(json.dumps({'step': step, **detail}), flush=True)  # noqa: T201


headers = {'Authorization': f'Bearer {sys.argv[3]}'} if sys.argv[3:] else None
ros = roslibpy.Ros(sys.argv[1], int(sys.argv[2]), headers=headers)
# Its first wait is a second otherwise, too long for a test.
ros.factory.set_initial_delay(0.05)
ros.factory.initialDelay = ros.factory.delay = 0.05
ros.factory.set_max_delay(0.2)
ros.run()

result = roslibpy.Topic(
    ros, 'haive_os/device/command_result', 'hos_interfaces/DeviceCommandResult'
)
command = roslibpy.Service(
    ros, f'haive_os/device/uid{UID}/command', 'hos_interfaces/srv/DeviceCommand'
)
ping = roslibpy.Topic(ros, '/haive_os/device/ping', 'std_msgs/msg/UInt32')


def handle(request, response):
    if request['function_name'] == 'refused':
        response['is_valid'] = False
        response['error'] = 'the door is open'
        return True
    response['is_valid'] = True
    result.publish(
        roslibpy.Message(
            {
                'uid': UID,
                'cmd_id': request['cmd_id'],
                'success': True,
                'error': '',
                'result_str': f'V{request["num_args"]}',
            }
        )
    )
    # False, and yet its values say that the command was accepted: the object decides.
    return request['function_name'] != 'false'


def call(name, service_type, request):
    service = roslibpy.Service(ros, name, service_type)
    try:
        answer = service.call(roslibpy.ServiceRequest(request), timeout=10)
    except roslibpy.core.ServiceException as error:
        return {'ok': False, 'error': str(error)}
    return {'ok': True, 'values': dict(answer)}


def connect():
    request = {'uid': UID}
    say('connected', **call('haive_os/device/connect', 'hos_interfaces/ConnectDevice', request))
    ping.publish(roslibpy.Message({'data': UID}))


command.advertise(handle)
connect()
stream = f'haive_os/device/uid{UID}/stream/temperature'
roslibpy.Topic(ros, stream, 'hos_interfaces/DeviceStream').publish(
    roslibpy.Message({'uid': UID, 'data': 'V21.5'})
)
say('infos', **call('/haive_os/connected_devices', 'hos_interfaces/DeviceConnectionInfos', {}))
request = {'device_id': 'H1', 'function_name': 'f', 'args': []}
say('api_call', **call('haive_os/device/api_call', 'hos_interfaces/DeviceAPICall', request))
say('foreign', **call('/rosapi/topics', 'rosapi/Topics', {}))
results = roslibpy.Topic(
    ros, '/haive_os/device/api_call_result', 'hos_interfaces/DeviceAPICallResult'
)


def heard(message):
    say('heard', message=message)
    results.unsubscribe()
    say('unsubscribed')


results.subscribe(heard)
say('subscribed')
for line in sys.stdin:
    if 'unadvertise' in line:
        command.unadvertise()
    elif 'ping' in line:
        ping.publish(roslibpy.Message({'data': UID}))
    elif 'advertise' in line:
        command.advertise(handle)
    elif 'connect' in line:
        connect()
    else:
        break
ros.terminate()
