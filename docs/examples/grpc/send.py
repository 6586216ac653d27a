"""Sends readings to any receiver of telemetryx.v1.IngestService, and waits until they are durable there.

    python3 send.py ADDRESS EPOCH COUNT [TOKEN]        for example 127.0.0.1:50051 1 1000

EPOCH must grow with each run: a position (epoch, seq) is never given twice. Prints what was refused, and what was sent.
"""

import sys
import time

import grpc
from telemetryx.v1 import events_pb2, ingest_pb2, ingest_pb2_grpc

BATCH = 200

SENSORS = [
    events_pb2.Sensor(number=0, id="mill-1.power", value_type=events_pb2.VALUE_TYPE_NUMBER, unit="kW"),
    events_pb2.Sensor(number=1, id="mill-1.energy", value_type=events_pb2.VALUE_TYPE_UINT64, unit="Wh"),
]


def batches(epoch, count):
    for first in range(1, count + 1, BATCH):
        last = min(first + BATCH - 1, count)
        seqs = range(first, last + 1)
        block = ingest_pb2.ReadingBlock(
            first_seq=first,
            sensors=[seq % 2 for seq in seqs],
            received_at_ms=int(time.time() * 1000),
            numbers=[seq / 10 for seq in seqs if seq % 2 == 0],
            unsigned_integers=[2**63 + seq for seq in seqs if seq % 2 == 1],
        )
        yield ingest_pb2.Batch(epoch=epoch, first_seq=first, last_seq=last, blocks=[block])


def requests(epoch, count):
    dictionary = ingest_pb2.Dictionary(sensors=SENSORS)
    hello = ingest_pb2.Hello(gateway="mill", epoch=epoch, version="send.py", dictionary=dictionary)
    yield ingest_pb2.SyncRequest(hello=hello)
    for batch in batches(epoch, count):
        yield ingest_pb2.SyncRequest(batch=batch)


def main():
    address, epoch, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    metadata = [("authorization", f"Bearer {sys.argv[4]}")] if len(sys.argv) > 4 else []
    with grpc.insecure_channel(address) as channel:
        stub = ingest_pb2_grpc.IngestServiceStub(channel)
        acknowledged = 0
        for response in stub.Sync(requests(epoch, count), metadata=metadata, timeout=60):
            if response.WhichOneof("message") == "acknowledgement":
                acknowledged = response.acknowledgement.position.seq
                for rejection in response.acknowledgement.rejections:
                    print(f"refused {rejection.position.seq}: {rejection.reason}")
        print(f"acknowledged {acknowledged} of {count}")
        sys.exit(0 if acknowledged == count else 1)


if __name__ == "__main__":
    main()
