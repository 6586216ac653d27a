# A Modbus slave by pymodbus 3.0, for the tests: another implementation than the driver. Arguments: unit ids, and for RTU
# the path of a serial port behind --serial; without it, Modbus TCP on a free port. Prints {"port": n}; then takes one JSON command a line on standard input and answers each with one line:
#   {"store": "holding", "unit": 1, "address": 10, "type": "float32", "order": "CDAB", "value": "1.5"}
#   {"set": "coil", "unit": 1, "address": 0, "values": [1, 0]}      {"get": "holding", "unit": 1, "address": 10, "count": 2}
# Values are packed with Python's struct, and the order is applied letter by letter: nothing here comes from the driver.

import asyncio
import json
import logging
import struct
import sys

from pymodbus.device import ModbusDeviceIdentification
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer

logging.disable(logging.CRITICAL)  # pymodbus logs an error for each client that leaves

TABLE_SIZE = 2000  # addresses beyond are answered with exception 2
FUNCTION = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
FORMAT = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q",
    "float32": ">f", "float64": ">d",
}


# Longer than one answer holds: a client must ask twice.
IDENTITY = ModbusDeviceIdentification(
    info_name={
        "VendorName": "pymodbus", "ProductCode": "P" * 60, "MajorMinorRevision": "3.0", "VendorUrl": "U" * 90,
        "ProductName": "N" * 90, "ModelName": "test slave",
    }
)


def slave():
    def table():
        return ModbusSequentialDataBlock(0, [0] * TABLE_SIZE)

    return ModbusSlaveContext(di=table(), co=table(), hr=table(), ir=table(), zero_mode=True)


def big_endian(kind, value):
    if kind.startswith("bcd"):
        return bytes.fromhex(value.zfill(int(kind[3:]) // 4))
    if kind.startswith("float"):
        return struct.pack(FORMAT[kind], float(value))
    return struct.pack(FORMAT[kind], int(value))


def registers(kind, order, value):
    if kind == "string":
        wire = value.encode("latin-1")
        wire += b"\0" * (len(wire) % 2)
    else:
        raw = big_endian(kind, value)
        wire = bytes(raw["ABCDEFGH".index(letter)] for letter in order)
    return list(struct.unpack(f">{len(wire) // 2}H", wire))


def obey(context, command):
    unit = context[command.get("unit", 1)]
    address = command["address"]
    if "get" in command:
        values = unit.getValues(FUNCTION[command["get"]], address, command["count"])
        return {"values": [int(value) for value in values]}
    if "store" in command:
        unit.setValues(FUNCTION[command["store"]], address, registers(command["type"], command["order"], command["value"]))
    else:
        unit.setValues(FUNCTION[command["set"]], address, command["values"])
    return {}


async def serve(context, serial):
    """Starts the server; answers its TCP port, or 0 on a serial port."""
    if serial is not None:
        server = ModbusSerialServer(
            context, identity=IDENTITY, port=serial, baudrate=19200, ignore_missing_slaves=True, broadcast_enable=True, timeout=0.1
        )
        await server.start()
        return server, 0
    server = ModbusTcpServer(context, identity=IDENTITY, address=("127.0.0.1", 0), ignore_missing_slaves=True)
    task = asyncio.create_task(server.serve_forever())
    await server.serving
    return task, server.server.sockets[0].getsockname()[1]


async def main():
    arguments = sys.argv[1:]
    serial = None
    if "--serial" in arguments:
        place = arguments.index("--serial")
        serial = arguments[place + 1]
        del arguments[place : place + 2]
    units = [int(argument) for argument in arguments] or [1]
    context = ModbusServerContext(slaves={unit: slave() for unit in units}, single=False)
    server, port = await serve(context, serial)  # held, or it would be collected
    print(json.dumps({"port": port}), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            answer = obey(context, json.loads(line))
        except Exception as error:  # told to the test, which fails by it
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)
    del server


asyncio.run(main())
