"""A Sparkplug B edge node's encoder by Google's protobuf runtime and the Eclipse schema; it shares no code with the gateway.

Standard input: a JSON list; each element is {"encode": PAYLOAD} or {"decode": base64}. PAYLOAD has the field names of the schema;
64-bit integers are decimal strings, bytes are hexadecimal in {"hex": ...}. Standard output: a JSON list of base64 texts and of
{"timestamp", "seq", "metrics": [[name, datatype, which, value as text], ...]}.
"""
import base64
import json
import sys

import sparkplug_b_pb2 as pb


def fill(message, fields):
    for name, value in fields.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.label == field.LABEL_REPEATED:
            for element in value:
                if field.message_type is not None:
                    fill(getattr(message, name).add(), element)
                else:
                    getattr(message, name).append(plain(field, element))
        elif field.message_type is not None:
            fill(getattr(message, name), value)
            getattr(message, name).SetInParent()
        else:
            setattr(message, name, plain(field, value))


def plain(field, value):
    if field.type in (field.TYPE_UINT64, field.TYPE_UINT32):
        return int(value)
    return bytes.fromhex(value["hex"]) if field.type == field.TYPE_BYTES else value


def answer(request):
    payload = pb.Payload()
    if "encode" in request:
        fill(payload, request["encode"])
        return base64.b64encode(payload.SerializeToString()).decode()
    payload.ParseFromString(base64.b64decode(request["decode"]))
    metrics = []
    for metric in payload.metrics:
        which = metric.WhichOneof("value")
        metrics.append([metric.name, metric.datatype, which, str(getattr(metric, which))])
    return {"timestamp": str(payload.timestamp), "seq": payload.seq if payload.HasField("seq") else None, "metrics": metrics}


json.dump([answer(request) for request in json.load(sys.stdin)], sys.stdout)
