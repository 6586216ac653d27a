# A service manager's notification socket: prints each datagram as a line of JSON, and "TIMEOUT" once when a watchdog of
# WATCHDOG_USEC would have struck. Arguments: path of the socket, microseconds. Ends with its standard input.
import json, os, select, socket, sys, time

path, patience = sys.argv[1], int(sys.argv[2]) / 1e6
messages = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
messages.bind(path)
print("LISTENING", flush=True)
alive_at, struck = None, False
while True:
    readable, _, _ = select.select([messages, sys.stdin], [], [], 0.1)
    if sys.stdin in readable and os.read(0, 1) == b"":
        break
    if messages in readable:
        # As systemd: a barrier's file descriptor is closed at once.
        data, fds, _, _ = socket.recv_fds(messages, 65536, 8)
        for fd in fds:
            os.close(fd)
        fields = data.decode().strip().split("\n")
        if "READY=1" in fields or "WATCHDOG=1" in fields:
            alive_at = time.monotonic()
        if not fields[0].startswith("BARRIER"):
            print(json.dumps(fields), flush=True)
    if alive_at is not None and not struck and time.monotonic() - alive_at > patience:
        struck = True
        print("TIMEOUT", flush=True)
