# Watches a series for anomalies live, then asks for a forecast of what gateways have handed in. Needs grpcio, and code made from proto/:
#
#   protoc -I proto --python_out=. --grpc_python_out=. --plugin=protoc-gen-grpc_python=$(which grpc_python_plugin) proto/telemetryx/v1/*.proto
#   python3 analytics.py 127.0.0.1:50051 "$TOKEN" press-1.pressure < values.txt

import sys
import time

import grpc
from telemetryx.v1 import analytics_pb2, analytics_pb2_grpc, events_pb2

address, token, sensor = sys.argv[1:4]
credentials = [("authorization", f"Bearer {token}")]
stub = analytics_pb2_grpc.AnalyticsServiceStub(grpc.insecure_channel(address))


def requests():
    detector = analytics_pb2.Detector(zscore=analytics_pb2.ZscoreDetector(window=100, sigma=5))
    yield analytics_pb2.WatchAnomaliesRequest(configuration=analytics_pb2.WatchConfiguration(detector=detector))
    for n, line in enumerate(sys.stdin):
        value = events_pb2.Value(number=float(line))
        reading = events_pb2.Reading(sensor=sensor, value=value, time_ms=1_795_000_000_000 + n * 1000)
        yield analytics_pb2.WatchAnomaliesRequest(readings=analytics_pb2.Readings(readings=[reading]))


for response in stub.WatchAnomalies(requests(), metadata=credentials):
    if response.HasField("anomaly"):
        print("anomaly", response.anomaly.time_ms, response.anomaly.value, response.anomaly.message)
    elif response.HasField("progress"):
        print("scored", response.progress.scored)

request = analytics_pb2.AnalyzeRequest(sensors=[sensor])
request.to.FromMilliseconds(int(time.time() * 1000))
getattr(request, "from").FromMilliseconds(int(time.time() * 1000) - 86_400_000)
forecast = analytics_pb2.ForecastAnalysis()
forecast.every.FromSeconds(60)
forecast.horizon.FromSeconds(600)
request.analyses.add(forecast=forecast)
try:
    for response in stub.Analyze(request, metadata=credentials, timeout=30):
        for point in response.forecast.points:
            print("forecast", point.time_ms, point.value, point.low, point.high)
except grpc.RpcError as error:
    print(error.code().name, error.details())
