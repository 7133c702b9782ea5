#!/usr/bin/env python3
"""Keeps health.csv in its data folder: one line for each time that a service becomes healthy or stops being it.

A Hive plugin with nothing but Python's standard library. `hivectl` reaches it with plugins.call: `count`.
"""
import csv
import json
import os
import socket


class Closed(Exception):
    """The daemon hung up."""


class Refused(Exception):
    """The daemon answered with an error."""


class Hive:
    """One JSON-RPC connection to the daemon, over the descriptor that Hive gave to this process."""

    def __init__(self):
        if "HIVE_FD" in os.environ:
            self.socket = socket.socket(fileno=int(os.environ["HIVE_FD"]))
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(os.environ["HIVE_SOCKET"])
        self.socket.setblocking(True)
        self.stream = self.socket.makefile("rb")
        self.next_id = 0
        self.waiting = []

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def receive(self):
        length = None
        while True:
            line = self.stream.readline()
            if not line:
                raise Closed
            name, _, value = line.decode("ascii").partition(":")
            if name.lower() == "content-length":
                length = int(value)
            if line == b"\r\n":
                break
        body = self.stream.read(length)
        if len(body) < length:
            raise Closed
        return json.loads(body)

    def notify(self, method, params=None):
        self.send({"method": method, **({} if params is None else {"params": params})})

    def call(self, method, params=None):
        """Sends a request and waits for its answer; what else arrives meanwhile is kept for `messages`."""
        self.next_id += 1
        self.send({"id": self.next_id, "method": method, **({} if params is None else {"params": params})})
        while True:
            message = self.receive()
            if message.get("id") == self.next_id and "method" not in message:
                if "error" in message:
                    raise Refused(message["error"]["message"])
                return message["result"]
            self.waiting.append(message)

    def answer(self, request, result):
        self.send({"id": request["id"], "result": result})

    def refuse(self, request):
        self.send({"id": request["id"], "error": {"code": -32601, "message": "No such method: " + request["method"]}})

    def messages(self):
        while True:
            yield self.waiting.pop(0) if self.waiting else self.receive()


def main():
    hive = Hive()
    # 1. Introduce yourself. A plugin that connects by itself shows its token here.
    introduction = {"protocolVersions": [1], "name": "health-log", "version": "1.0.0"}
    if "HIVE_TOKEN" in os.environ:
        introduction["token"] = os.environ["HIVE_TOKEN"]
    me = hive.call("initialize", introduction)
    path = os.path.join(me["dataDir"], "health.csv")

    # 2. Subscribe under your own name: the daemon remembers how far you have come, also when you crash.
    hive.call("events.subscribe", {"name": me["pluginId"], "from": "cursor", "types": ["service.healthChanged"]})

    # 3. Say that you are ready.
    hive.notify("ready")

    written = 0
    for message in hive.messages():
        method = message.get("method")
        if method == "event":
            batch = message["params"]
            with open(path, "a", newline="") as file:
                rows = csv.writer(file)
                for event in batch["events"]:
                    if event["type"] != "service.healthChanged":
                        continue  # a gap: events that the daemon no longer has
                    rows.writerow([event["time"], event["instance"], event["healthy"], event["check"], event["detail"]])
                    written += 1
                file.flush()
                os.fsync(file.fileno())
            # 4. Acknowledge after the effect is safe. Until then the same events come again after a crash.
            hive.notify("events.ack", {"epoch": batch["epoch"], "seq": batch["through"]})
        elif method == "$/ping":
            hive.answer(message, {})
        elif method == "plugin.call" and message["params"]["method"] == "count":
            hive.answer(message, {"written": written})
        elif method == "shutdown":
            hive.answer(message, {})
            return
        elif method is not None and "id" in message:
            hive.refuse(message)


if __name__ == "__main__":
    try:
        main()
    except Closed:
        pass  # End of file on the link means: exit.
