#!/usr/bin/env python3
"""Makes a rule at the brain, evaluates readings, and shows what a mistake looks like.

    python3 rules.py HOST:PORT TOKEN

Needs grpcio and the code that protoc makes of proto/ (docs/brain.md)."""

import sys
import time

import grpc
from google.protobuf import any_pb2
from telemetryx.v1 import events_pb2, rules_pb2, rules_pb2_grpc


def main(address: str, token: str) -> None:
    call = {"metadata": [("authorization", f"Bearer {token}")], "timeout": 10}
    with grpc.insecure_channel(address) as channel:  # grpc.secure_channel(address, grpc.ssl_channel_credentials(ca)) with TLS
        stub = rules_pb2_grpc.RulesServiceStub(channel)

        rule = rules_pb2.Rule(
            id="press-hot",
            name="Press too hot",
            enabled=True,
            severity=events_pb2.ALARM_SEVERITY_HIGH,
            condition='{">": [{"var": "value"}, 90]}',
            sensors=["press-*.oil-temperature"],
        )
        rule.actions.add().alert.message = "{sensor} is at {value}"
        rule.cooldown.seconds = 300
        made = stub.CreateRule(rules_pb2.CreateRuleRequest(rule=rule), **call).rule
        print(f"made {made.id}, revision {made.revision}")

        now = int(time.time() * 1000)
        request = rules_pb2.EvaluateRequest(dry_run=True)
        for number in (20.0, 91.5):
            reading = request.records.add().reading
            reading.sensor, reading.gateway, reading.time_ms = "press-1.oil-temperature", "edge-01", now
            reading.value.number = number
        for match in stub.Evaluate(request, **call).matches:
            print(f"reading {match.record}: {match.alert.message}")

        rule.id, rule.condition = "wrong", '{"regex": ["a+", {"var": "value"}]}'
        try:
            stub.CreateRule(rules_pb2.CreateRuleRequest(rule=rule), **call)
        except grpc.RpcError as error:
            print(f"refused: {error.code().name} {', '.join(violated_fields(error))}")

        rules = stub.ListRules(rules_pb2.ListRulesRequest(), **call).rules
        print(f"rules: {', '.join(one.id for one in rules)}")


def violated_fields(error: grpc.RpcError) -> list[str]:
    """With googleapis-common-protos: status_pb2.Status and error_details_pb2.BadRequest. Here by hand, field by field."""
    details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
    fields = []
    for packed in parts(details, 3):
        detail = any_pb2.Any.FromString(packed)
        if detail.type_url.endswith("/google.rpc.BadRequest"):
            for violation in parts(detail.value, 1):
                fields += [name.decode() for name in parts(violation, 1)]
    return fields


def parts(message: bytes, wanted: int) -> list[bytes]:
    """The length-delimited fields with this number."""
    found, at = [], 0
    while at < len(message):
        tag, at = varint(message, at)
        size, at = varint(message, at)
        if tag & 7 == 2:
            if tag >> 3 == wanted:
                found.append(message[at : at + size])
            at += size
    return found


def varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
