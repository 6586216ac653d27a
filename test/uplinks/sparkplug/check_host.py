"""A strict Sparkplug B host application over recorded messages: what it demands is written from the assertions of the
specification 3.0 (tck-id-…), with Google's protobuf runtime; it shares no code with the gateway.

Standard input: one JSON object a line, {"topic", "payload" (base64), "qos", "retain"}, in order of arrival.
Standard output: {"violations": [...], "counts": {...}, "records": [[device or null, metric, value, quality, historical, "gateway/epoch/seq"], ...]}
"""
import base64
import json
import sys

import sparkplug_b_pb2 as pb

INTS = {1: "int_value", 2: "int_value", 3: "int_value", 5: "int_value", 6: "int_value", 7: "int_value"}
FIELD = {**INTS, 4: "long_value", 8: "long_value", 9: "float_value", 10: "double_value", 11: "boolean_value",
         12: "string_value", 13: "long_value", 14: "string_value"}


class Node:
    def __init__(self):
        self.alive = False
        self.bd_seq = None
        self.seq = None
        self.aliases = {}   # alias -> (device or None, name, datatype)
        self.devices = set()


class Host:
    def __init__(self):
        self.violations = []
        self.counts = {}
        self.records = []
        self.nodes = {}

    def demand(self, holds, rule, where):
        if not holds:
            self.violations.append(f"{rule}: {where}")

    def take(self, message):
        topic = message["topic"]
        if topic == "$lost":  # the host itself was away: it knows nothing of its nodes until their next births
            for node in self.nodes.values():
                node.alive, node.bd_seq, node.devices = False, None, set()
            return
        words = topic.split("/")
        self.demand(words[0] == "spBv1.0" and len(words) in (4, 5), "topic-structure", topic)
        _, group, kind, node_id = words[:4]
        device = words[4] if len(words) == 5 else None
        if kind in ("NCMD", "DCMD"):
            return
        self.demand(kind.startswith("D") == (device is not None), "topic-structure", topic)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        payload = pb.Payload()
        payload.ParseFromString(base64.b64decode(message["payload"]))
        self.demand(not message["retain"], f"{kind}-retain-false", topic)
        if kind != "NDEATH":
            self.demand(message["qos"] == 0, f"{kind}-qos-0", topic)
            self.demand(payload.HasField("timestamp"), f"{kind}-timestamp", topic)
            self.demand(payload.HasField("seq") and 0 <= payload.seq <= 255, f"{kind}-seq", topic)
        node = self.nodes.setdefault((group, node_id), Node())
        getattr(self, kind.lower())(node, device, payload, topic)
        for metric in payload.metrics:
            self.properties(metric, kind, topic)

    def follow(self, node, payload, where):
        if node.seq is not None:
            self.demand(payload.seq == (node.seq + 1) % 256, "sequence-num-incrementing", f"{where} {node.seq} then {payload.seq}")
        node.seq = payload.seq

    def births(self, node, device, payload, where):
        names = set()
        for metric in payload.metrics:
            self.demand(metric.HasField("name") and metric.name not in names, "name-requirement", where)
            names.add(metric.name)
            self.demand(metric.HasField("timestamp"), "name-birth-data-requirement", f"{where} {metric.name}")
            self.demand(metric.HasField("datatype") and 1 <= metric.datatype <= 34, "metric-datatype-req", f"{where} {metric.name}")
            self.value(metric, metric.datatype, f"{where} {metric.name}")
            if metric.HasField("alias"):
                self.demand(metric.alias not in node.aliases, "alias-uniqueness", f"{where} {metric.alias}")
                node.aliases[metric.alias] = (device, metric.name, metric.datatype)
        return names

    def value(self, metric, datatype, where):
        which = metric.WhichOneof("value")
        if metric.is_null:
            self.demand(which is None, "is-null-without-value", where)
        else:
            self.demand(which == FIELD.get(datatype), "value-of-its-datatype", f"{where}: {which} for {datatype}")

    def properties(self, metric, kind, where):
        keys, values = metric.properties.keys, metric.properties.values
        self.demand(len(keys) == len(values), "propertyset-keys-array-size", where)
        for key, value in zip(keys, values):
            self.demand(value.HasField("type"), "propertyvalue-type-req", where)
            if key == "Quality":
                self.demand(value.type == 3, "quality-value-type", where)
                self.demand(value.WhichOneof("value") == "int_value" and value.int_value in (0, 192, 500), "quality-value-value", where)

    def nbirth(self, node, _device, payload, where):
        bd_seq = [m for m in payload.metrics if m.name == "bdSeq"]
        self.demand(len(bd_seq) == 1 and 0 <= bd_seq[0].long_value <= 255 and not bd_seq[0].HasField("alias"), "nbirth-bdseq", where)
        rebirth = [m for m in payload.metrics if m.name == "Node Control/Rebirth"]
        self.demand(len(rebirth) == 1 and rebirth[0].datatype == 11 and not rebirth[0].boolean_value
                    and not rebirth[0].HasField("alias"), "nbirth-rebirth-req", where)
        number = bd_seq[0].long_value
        if node.alive:
            self.demand(number == node.bd_seq, "rebirth-bdseq", f"{where} {node.bd_seq} then {number}")
        elif node.bd_seq is not None:
            self.demand(number != node.bd_seq, "ndeath-will-bdseq-increments", f"{where} {number} again")
        node.alive, node.bd_seq, node.seq = True, number, payload.seq
        node.aliases, node.devices = {}, set()
        self.births(node, None, payload, where)

    def dbirth(self, node, device, payload, where):
        self.demand(node.alive, "dbirth-after-nbirth", where)
        self.follow(node, payload, where)
        node.aliases = {a: k for a, k in node.aliases.items() if k[0] != device}
        self.births(node, device, payload, where)
        node.devices.add(device)

    def data(self, node, device, payload, where):
        self.demand(node.alive, "data-after-births", where)
        self.demand(device is None or device in node.devices, "ddata-of-a-born-device", where)
        self.follow(node, payload, where)
        positions = spread(payload.uuid)
        self.demand(len(positions) == len(payload.metrics), "positions", f"{where} {payload.uuid}")
        for metric, position in zip(payload.metrics, positions):
            self.demand(not metric.HasField("name"), "alias-data-cmd-requirement", where)
            self.demand(not metric.HasField("datatype"), "metric-datatype-not-req", where)
            self.demand(metric.HasField("timestamp"), "name-birth-data-requirement", where)
            known = node.aliases.get(metric.alias)
            if known is None or known[0] != device:
                self.violations.append(f"alias-known: {where} {metric.alias}")
                continue
            self.value(metric, known[2], where)
            self.records.append([device, known[1], plain(metric, known[2]), quality(metric), metric.is_historical, position])

    ndata = ddata = data

    def ndeath(self, node, _device, payload, where):
        self.demand(not payload.HasField("seq"), "ndeath-seq", where)
        self.demand(len(payload.metrics) == 1 and payload.metrics[0].name == "bdSeq", "ndeath-bdseq", where)
        if payload.metrics[0].long_value == node.bd_seq:
            node.alive = False

    def ddeath(self, node, device, payload, where):
        self.demand(device in node.devices, "ddeath-of-a-born-device", where)
        self.follow(node, payload, where)
        node.devices.discard(device)


def spread(uuid):
    head, _, ranges = uuid.rpartition("/")
    out = []
    for part in ranges.split(",") if ranges else []:
        first, _, last = part.partition("-")
        out += [f"{head}/{n}" for n in range(int(first), int(last or first) + 1)]
    return out


def plain(metric, datatype):
    if metric.is_null:
        return None
    value = getattr(metric, metric.WhichOneof("value"))
    if datatype == 4 and value >= 2 ** 63:
        value -= 2 ** 64
    return str(value) if datatype in (4, 8) else value


def quality(metric):
    found = dict(zip(metric.properties.keys, metric.properties.values)).get("Quality")
    return None if found is None else found.int_value


host = Host()
for line in sys.stdin:
    host.take(json.loads(line))
json.dump({"violations": host.violations[:20], "counts": host.counts, "records": host.records}, sys.stdout)
