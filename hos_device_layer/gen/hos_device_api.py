"""
Typed functions of all devices, to be called from a ROS node.

Generated from the device specification by `hos generate`. To change them, edit the specification.
`namespace` is that of the device manager, by default that of the node.
"""

from __future__ import annotations

from rclpy.node import Node

from hos_device_layer.device_api import DeviceAPICallInfo, DeviceResult, call_device, no_values

_SPEC_DIGEST = '2a3982a1f2e3b815'


def balance_tare(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Set the current load as zero.

    Available on Balance.
    """
    return call_device(
        node,
        device_id,
        'balance_tare',
        {},
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class BalanceWeighResult(DeviceResult, frozen=True):
    """Result of `balance_weigh`."""

    mass: float
    """float64 0..220 [g]"""
    stable: bool
    """bool"""


def balance_weigh(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[BalanceWeighResult]:
    """
    Weigh the load on the pan.

    Available on Balance.

    Result:
        mass: float64 0..220 [g]
        stable: bool
    """
    return call_device(
        node,
        device_id,
        'balance_weigh',
        {},
        BalanceWeighResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class BridgeClockSetResult(DeviceResult, frozen=True):
    """Result of `bridge_clock_set`."""

    drift: int
    """int32 -500..500 [ms]"""


def bridge_clock_set(
    node: Node,
    device_id: str,
    time: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[BridgeClockSetResult]:
    """
    Set the clock, in milliseconds since the epoch; returns how far off it was.

    Available on UsbBridge.

    Arguments:
        time: int64 [ms]

    Result:
        drift: int32 -500..500 [ms]
    """
    return call_device(
        node,
        device_id,
        'bridge_clock_set',
        {
            'time:int64 [ms]': time,
        },
        BridgeClockSetResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class BridgeStatusResult(DeviceResult, frozen=True):
    """Result of `bridge_status`."""

    uptime: int
    """uint64 0..10000000000 [ms]"""
    memory_free: int
    """uint64 0..8000000000 [B]"""
    signal: int
    """int8 -90..-20 [dBm]"""
    instruments: int
    """uint8 0..8"""


def bridge_status(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[BridgeStatusResult]:
    """
    Read the state of the bridge.

    Available on UsbBridge.

    Result:
        uptime: uint64 0..10000000000 [ms]
        memory_free: uint64 0..8000000000 [B]
        signal: int8 -90..-20 [dBm]
        instruments: uint8 0..8
    """
    return call_device(
        node,
        device_id,
        'bridge_status',
        {},
        BridgeStatusResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


def centrifuge_lid_open(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Open the lid; refused while the rotor turns.

    Available on Centrifuge.
    """
    return call_device(
        node,
        device_id,
        'centrifuge_lid_open',
        {},
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class CentrifugeSpinResult(DeviceResult, frozen=True):
    """Result of `centrifuge_spin`."""

    speed: int
    """uint16 0..4000 [rpm]"""
    imbalance: float
    """float32 0..5 [g]"""


def centrifuge_spin(
    node: Node,
    device_id: str,
    speed: int,
    duration: int,
    temperature: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[CentrifugeSpinResult]:
    """
    Spin for the given time.

    Available on Centrifuge. Times out after 3900 s. At most 1 call at a time per device.

    Arguments:
        speed: uint16 100..4000 [rpm]
        duration: uint32 1..3600 [s]
        temperature: int8 -10..40 [degC]

    Result:
        speed: uint16 0..4000 [rpm]
        imbalance: float32 0..5 [g]
    """
    return call_device(
        node,
        device_id,
        'centrifuge_spin',
        {
            'speed:uint16 100..4000 [rpm]': speed,
            'duration:uint32 1..3600 [s]': duration,
            'temperature:int8 -10..40 [degC]': temperature,
        },
        CentrifugeSpinResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class ClimateReadResult(DeviceResult, frozen=True):
    """Result of `climate_read`."""

    temperature: float
    """float32 15..30 [degC]"""
    humidity: int
    """uint8 20..70 [%]"""
    pressure: int
    """uint16 950..1050 [hPa]"""


def climate_read(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[ClimateReadResult]:
    """
    Take a measurement.

    Available on ClimateSensor.

    Result:
        temperature: float32 15..30 [degC]
        humidity: uint8 20..70 [%]
        pressure: uint16 950..1050 [hPa]
    """
    return call_device(
        node,
        device_id,
        'climate_read',
        {},
        ClimateReadResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


def delta_arm_home(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Move the arm to its reference position.

    Available on DeltaHaive. Times out after 30 s. At most 1 call at a time per device.
    """
    return call_device(
        node,
        device_id,
        'delta_arm_home',
        {},
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class DeltaArmMoveResult(DeviceResult, frozen=True):
    """Result of `delta_arm_move`."""

    x: float
    """float32 -60..60 [mm]"""
    y: float
    """float32 -60..60 [mm]"""
    z: float
    """float32 -40..40 [mm]"""


def delta_arm_move(
    node: Node,
    device_id: str,
    x: float,
    y: float,
    z: float,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[DeltaArmMoveResult]:
    """
    Move the arm to a point in its bay; returns the point that it reached.

    Available on DeltaHaive. Times out after 20 s. At most 1 call at a time per device.

    Arguments:
        x: float32 -60..60 [mm]
        y: float32 -60..60 [mm]
        z: float32 -40..40 [mm]

    Result:
        x: float32 -60..60 [mm]
        y: float32 -60..60 [mm]
        z: float32 -40..40 [mm]
    """
    return call_device(
        node,
        device_id,
        'delta_arm_move',
        {
            'x:float32 -60..60 [mm]': x,
            'y:float32 -60..60 [mm]': y,
            'z:float32 -40..40 [mm]': z,
        },
        DeltaArmMoveResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class DeltaGripperSetResult(DeviceResult, frozen=True):
    """Result of `delta_gripper_set`."""

    holding: bool
    """bool"""
    force: int
    """int16 0..2000 [mN]"""


def delta_gripper_set(
    node: Node,
    device_id: str,
    closed: bool,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[DeltaGripperSetResult]:
    """
    Open or close the gripper; returns whether it holds something.

    Available on DeltaHaive.

    Arguments:
        closed: bool

    Result:
        holding: bool
        force: int16 0..2000 [mN]
    """
    return call_device(
        node,
        device_id,
        'delta_gripper_set',
        {
            'closed:bool': closed,
        },
        DeltaGripperSetResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class DeviceIdentifyResult(DeviceResult, frozen=True):
    """Result of `device_identify`."""

    firmware: str
    """string"""
    restarts: int
    """uint16 0..50"""


def device_identify(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[DeviceIdentifyResult]:
    """
    Blink, so that a person can find the device; returns its firmware version.

    Available on DeltaHaive, TubeRack, SyringePump, Shaker, LightTower and ClimateSensor.

    Result:
        firmware: string
        restarts: uint16 0..50
    """
    return call_device(
        node,
        device_id,
        'device_identify',
        {},
        DeviceIdentifyResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class GantryEncoderReadResult(DeviceResult, frozen=True):
    """Result of `gantry_encoder_read`."""

    x_ticks: int
    """int64"""
    y_ticks: int
    """int64"""
    x_offset: int
    """int32 -5000..5000"""
    tilt: int
    """int16 -900..900 [0.1 deg]"""


def gantry_encoder_read(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[GantryEncoderReadResult]:
    """
    Read the raw encoders.

    Available on GantryHaive.

    Result:
        x_ticks: int64
        y_ticks: int64
        x_offset: int32 -5000..5000
        tilt: int16 -900..900 [0.1 deg]
    """
    return call_device(
        node,
        device_id,
        'gantry_encoder_read',
        {},
        GantryEncoderReadResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class GantryMoveResult(DeviceResult, frozen=True):
    """Result of `gantry_move`."""

    x: float
    """float64 0..2400 [mm]"""
    y: float
    """float64 0..900 [mm]"""
    duration: float
    """float32 0..30 [s]"""


def gantry_move(
    node: Node,
    device_id: str,
    x: float,
    y: float,
    speed: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[GantryMoveResult]:
    """
    Move the carriage to a point above the bays.

    Available on GantryHaive. Times out after 60 s. At most 1 call at a time per device.

    Arguments:
        x: float64 0..2400 [mm]
        y: float64 0..900 [mm]
        speed: uint16 1..500 [mm/s]

    Result:
        x: float64 0..2400 [mm]
        y: float64 0..900 [mm]
        duration: float32 0..30 [s]
    """
    return call_device(
        node,
        device_id,
        'gantry_move',
        {
            'x:float64 0..2400 [mm]': x,
            'y:float64 0..900 [mm]': y,
            'speed:uint16 1..500 [mm/s]': speed,
        },
        GantryMoveResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class GantryTransferPlateResult(DeviceResult, frozen=True):
    """Result of `gantry_transfer_plate`."""

    barcode: str
    """string"""
    seconds: float
    """float32 0..60 [s]"""


def gantry_transfer_plate(
    node: Node,
    device_id: str,
    source: str,
    target: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[GantryTransferPlateResult]:
    """
    Carry a plate from one device to another; both are given by device id.

    Available on GantryHaive. Times out after 120 s. At most 1 call at a time per device.

    Arguments:
        source: string
        target: string

    Result:
        barcode: string
        seconds: float32 0..60 [s]
    """
    return call_device(
        node,
        device_id,
        'gantry_transfer_plate',
        {
            'source:string': source,
            'target:string': target,
        },
        GantryTransferPlateResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


def hotel_climate_set(
    node: Node,
    device_id: str,
    temperature: float,
    humidity: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Set the climate of the store.

    Available on PlateHotel.

    Arguments:
        temperature: float32 4..40 [degC]
        humidity: uint8 10..95 [%]
    """
    return call_device(
        node,
        device_id,
        'hotel_climate_set',
        {
            'temperature:float32 4..40 [degC]': temperature,
            'humidity:uint8 10..95 [%]': humidity,
        },
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class HotelPlateFetchResult(DeviceResult, frozen=True):
    """Result of `hotel_plate_fetch`."""

    barcode: str
    """string"""
    found: bool
    """bool"""


def hotel_plate_fetch(
    node: Node,
    device_id: str,
    slot: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[HotelPlateFetchResult]:
    """
    Bring a plate from its slot to the gate.

    Available on PlateHotel. Times out after 45 s. At most 1 call at a time per device.

    Arguments:
        slot: uint8 1..44

    Result:
        barcode: string
        found: bool
    """
    return call_device(
        node,
        device_id,
        'hotel_plate_fetch',
        {
            'slot:uint8 1..44': slot,
        },
        HotelPlateFetchResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class HotelPlateStoreResult(DeviceResult, frozen=True):
    """Result of `hotel_plate_store`."""

    barcode: str
    """string"""


def hotel_plate_store(
    node: Node,
    device_id: str,
    slot: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[HotelPlateStoreResult]:
    """
    Store the plate at the gate in a slot.

    Available on PlateHotel. Times out after 45 s. At most 1 call at a time per device.

    Arguments:
        slot: uint8 1..44

    Result:
        barcode: string
    """
    return call_device(
        node,
        device_id,
        'hotel_plate_store',
        {
            'slot:uint8 1..44': slot,
        },
        HotelPlateStoreResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class LightBlinkResult(DeviceResult, frozen=True):
    """Result of `light_blink`."""

    blinked: int
    """uint8 1..20"""


def light_blink(
    node: Node,
    device_id: str,
    times: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[LightBlinkResult]:
    """
    Blink in the current colour.

    Available on LightTower.

    Arguments:
        times: uint8 1..20

    Result:
        blinked: uint8 1..20
    """
    return call_device(
        node,
        device_id,
        'light_blink',
        {
            'times:uint8 1..20': times,
        },
        LightBlinkResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


def light_set(
    node: Node,
    device_id: str,
    red: int,
    green: int,
    blue: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Set the colour.

    Available on LightTower.

    Arguments:
        red: uint8
        green: uint8
        blue: uint8
    """
    return call_device(
        node,
        device_id,
        'light_set',
        {
            'red:uint8': red,
            'green:uint8': green,
            'blue:uint8': blue,
        },
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class PumpAspirateResult(DeviceResult, frozen=True):
    """Result of `pump_aspirate`."""

    aspirated: float
    """float32 0..5000 [ul]"""


def pump_aspirate(
    node: Node,
    device_id: str,
    volume: float,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[PumpAspirateResult]:
    """
    Draw a volume into the syringe.

    Available on SyringePump. Times out after 90 s. At most 1 call at a time per device.

    Arguments:
        volume: float32 0..5000 [ul]

    Result:
        aspirated: float32 0..5000 [ul]
    """
    return call_device(
        node,
        device_id,
        'pump_aspirate',
        {
            'volume:float32 0..5000 [ul]': volume,
        },
        PumpAspirateResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class PumpDispenseResult(DeviceResult, frozen=True):
    """Result of `pump_dispense`."""

    dispensed: float
    """float32 0..5000 [ul]"""


def pump_dispense(
    node: Node,
    device_id: str,
    volume: float,
    rate: float,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[PumpDispenseResult]:
    """
    Dispense a volume.

    Available on SyringePump. Times out after 90 s. At most 1 call at a time per device.

    Arguments:
        volume: float32 0..5000 [ul]
        rate: float32 1..2000 [ul/s]

    Result:
        dispensed: float32 0..5000 [ul]
    """
    return call_device(
        node,
        device_id,
        'pump_dispense',
        {
            'volume:float32 0..5000 [ul]': volume,
            'rate:float32 1..2000 [ul/s]': rate,
        },
        PumpDispenseResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


def pump_valve_set(
    node: Node,
    device_id: str,
    port: int,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Turn the valve to a port.

    Available on SyringePump.

    Arguments:
        port: uint8 1..6
    """
    return call_device(
        node,
        device_id,
        'pump_valve_set',
        {
            'port:uint8 1..6': port,
        },
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


def rack_light(
    node: Node,
    device_id: str,
    place: int,
    on: bool,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Light a place of the rack to show it to a person.

    Available on TubeRack.

    Arguments:
        place: uint8 0..23
        on: bool
    """
    return call_device(
        node,
        device_id,
        'rack_light',
        {
            'place:uint8 0..23': place,
            'on:bool': on,
        },
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class RackScanResult(DeviceResult, frozen=True):
    """Result of `rack_scan`."""

    taken: int
    """uint32 0..16777215"""
    barcode: str
    """string"""


def rack_scan(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[RackScanResult]:
    """
    Scan the rack; bit n of `taken` is set if place n holds a tube.

    Available on TubeRack.

    Result:
        taken: uint32 0..16777215
        barcode: string
    """
    return call_device(
        node,
        device_id,
        'rack_scan',
        {},
        RackScanResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class ReaderMeasureResult(DeviceResult, frozen=True):
    """Result of `reader_measure`."""

    absorbance: float
    """float64 0..4"""
    reference: int
    """int32 0..65535"""
    lamp_hours: float
    """float32 0..2000 [h]"""


def reader_measure(
    node: Node,
    device_id: str,
    wavelength: int,
    wells: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[ReaderMeasureResult]:
    """
    Measure wells, given as `A1` or `A1-H12`; returns their mean.

    Available on PlateReader. Times out after 180 s. At most 1 call at a time per device.

    Arguments:
        wavelength: uint16 230..1000 [nm]
        wells: string

    Result:
        absorbance: float64 0..4
        reference: int32 0..65535
        lamp_hours: float32 0..2000 [h]
    """
    return call_device(
        node,
        device_id,
        'reader_measure',
        {
            'wavelength:uint16 230..1000 [nm]': wavelength,
            'wells:string': wells,
        },
        ReaderMeasureResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


def shaker_start(
    node: Node,
    device_id: str,
    speed: int,
    temperature: float,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[None]:
    """
    Shake, and keep the plate at a temperature.

    Available on Shaker.

    Arguments:
        speed: uint16 200..3000 [rpm]
        temperature: float32 20..70 [degC]
    """
    return call_device(
        node,
        device_id,
        'shaker_start',
        {
            'speed:uint16 200..3000 [rpm]': speed,
            'temperature:float32 20..70 [degC]': temperature,
        },
        no_values,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )


class ShakerStopResult(DeviceResult, frozen=True):
    """Result of `shaker_stop`."""

    turns: int
    """uint32 0..1000000"""


def shaker_stop(
    node: Node,
    device_id: str,
    *,
    namespace: str = '',
) -> DeviceAPICallInfo[ShakerStopResult]:
    """
    Stop in the home position; returns the number of revolutions.

    Available on Shaker.

    Result:
        turns: uint32 0..1000000
    """
    return call_device(
        node,
        device_id,
        'shaker_stop',
        {},
        ShakerStopResult.parse,
        namespace=namespace,
        spec_digest=_SPEC_DIGEST,
    )
