"""Receives from a grpc uplink: each record once, one JSON line each, on the disk before it is acknowledged.

    python3 receive.py ADDRESS FILE        for example 127.0.0.1:50051 received.jsonl

Needs grpcio and protobuf (Debian: python3-grpcio python3-protobuf), and the code made from our .proto (docs/ingest.md).
"""

import json
import os
import signal
import sys
from concurrent import futures

import grpc
from telemetryx.v1 import events_pb2, ingest_pb2, ingest_pb2_grpc

NO_SOURCE_TIME = -(2**31)


def is_bad(status):
    return status >> 31 == 1


def rows(block, types):
    """The readings of a block: (seq, sensor number, status, source time or None, receive time, value or None)."""
    columns = {
        events_pb2.VALUE_TYPE_NUMBER: iter(block.numbers),
        events_pb2.VALUE_TYPE_BOOLEAN: iter(block.booleans),
        events_pb2.VALUE_TYPE_INT64: iter(block.integers),
        events_pb2.VALUE_TYPE_UINT64: iter(block.unsigned_integers),
        events_pb2.VALUE_TYPE_TEXT: iter(block.texts),
    }
    seq, received = block.first_seq, block.received_at_ms
    for row, sensor in enumerate(block.sensors):
        seq += block.seq_deltas[row] if block.seq_deltas else (1 if row else 0)
        received += block.received_deltas[row] if block.received_deltas else 0
        status = block.statuses[row] if block.statuses else 0
        delta = block.source_deltas[row] if block.source_deltas else NO_SOURCE_TIME
        source = None if delta == NO_SOURCE_TIME else received + block.source_offset_ms + delta
        value = None if is_bad(status) else next(columns[types[sensor]])
        yield seq, sensor, status, source, received, value


class Receiver(ingest_pb2_grpc.IngestServiceServicer):
    def __init__(self, path):
        self.seen = set()  # enough for an example; src/receiver/dedupe.mjs shows how to keep ranges instead
        self.file = open(path, "a+", encoding="utf-8")
        self.file.seek(0)
        whole = 0
        for line in self.file:
            if not line.endswith("\n"):
                break  # cut off by a crash: it was never acknowledged
            self.seen.add(json.loads(line)["id"])
            whole += len(line.encode())
        self.file.truncate(whole)

    def Sync(self, requests, context):
        hello = next(requests).hello
        sensors = {}
        self.learn(sensors, hello.dictionary)
        yield ingest_pb2.SyncResponse(welcome=ingest_pb2.Welcome(receiver="receive.py"))
        for request in requests:
            kind = request.WhichOneof("message")
            if kind == "dictionary":
                self.learn(sensors, request.dictionary)
            elif kind == "batch":
                self.keep(hello.gateway, sensors, request.batch)
                yield ingest_pb2.SyncResponse(
                    acknowledgement=ingest_pb2.Acknowledgement(
                        lane=request.batch.lane,
                        position=events_pb2.Position(epoch=request.batch.epoch, seq=request.batch.last_seq),
                    )
                )

    def learn(self, sensors, dictionary):
        for sensor in dictionary.sensors:
            sensors[sensor.number] = sensor

    def keep(self, gateway, sensors, batch):
        types = {number: sensor.value_type for number, sensor in sensors.items()}
        records = [
            (seq, {"sensor": sensors[sensor].id, "status": status, "time": source or received, "v": value})
            for block in batch.blocks
            for seq, sensor, status, source, received, value in rows(block, types)
        ]
        records += [(each.seq, {"alarm": each.transition.alarm.message}) for each in batch.alarms]
        records += [(each.seq, {"event": each.event.type}) for each in batch.events]
        for seq, fields in sorted(records, key=lambda record: record[0]):
            name = f"{gateway}/{batch.epoch}/{seq}"
            if name in self.seen:
                continue
            self.seen.add(name)
            self.file.write(json.dumps({"id": name, **fields}) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    ingest_pb2_grpc.add_IngestServiceServicer_to_server(Receiver(sys.argv[2]), server)
    port = server.add_insecure_port(sys.argv[1])
    server.start()
    print(port, flush=True)
    signal.sigwait([signal.SIGINT, signal.SIGTERM])
    server.stop(0)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    main()
