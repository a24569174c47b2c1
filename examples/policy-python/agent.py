#!/usr/bin/env python3
"""A policy agent in Python, from the contract of the protocol alone: frames on a unix socket, JSON, standard library.

    python3 examples/policy-python/agent.py /tmp/berth-python.sock

Blocks paths below /admin, answers what it judged in a header, and takes a configuration {"blocked": ["/x"]}.
"""

import argparse
import base64
import json
import os
import posixpath
import re
import socketserver
import stat
import struct
import sys
import threading
import time
import urllib.parse

MAX_FRAME = 16 * 1024 * 1024

HANDSHAKE_REQUEST, HANDSHAKE_RESPONSE = 0x01, 0x02
REQUEST_HEADERS, REQUEST_BODY, RESPONSE_HEADERS, RESPONSE_BODY, REQUEST_COMPLETE = 0x10, 0x11, 0x12, 0x13, 0x14
WEBSOCKET_FRAME, GUARDRAIL, CONFIGURE = 0x15, 0x16, 0x17
AGENT_RESPONSE, CANCEL, PING, PONG = 0x20, 0x40, 0x41, 0x42
QUESTIONS = {REQUEST_HEADERS, REQUEST_BODY, RESPONSE_HEADERS, RESPONSE_BODY, REQUEST_COMPLETE, WEBSOCKET_FRAME, GUARDRAIL}

CAPABILITIES = {
    "agent_id": "python",
    "name": "Python agent",
    "version": "1.0.0",
    "supported_events": [1, 2, 8],  # request headers, request body, configure
    "features": {
        "streaming_body": True,
        "websocket": False,
        "guardrails": False,
        "config_push": True,
        "metrics_export": False,
        "concurrent_requests": 1,
        "cancellation": False,
        "flow_control": False,
        "health_reporting": False,
    },
    "limits": {"max_body_size": 1 << 20, "max_concurrency": 100, "preferred_chunk_size": 1 << 16},
}


class Rules:
    """What is blocked; a configuration replaces it."""

    def __init__(self):
        self.blocked = ["/admin"]

    def configure(self, config):
        """Returns what is wrong with it, or None."""
        blocked = config.get("blocked") if isinstance(config, dict) else None
        if not isinstance(blocked, list) or not all(isinstance(path, str) and path.startswith("/") for path in blocked):
            return 'the configuration must be {"blocked": ["/path", ...]}'
        self.blocked = blocked
        return None


def answer(correlation_id, decision="allow", **more):
    return {
        "version": 2,
        "decision": decision,
        "request_headers": [],
        "response_headers": [],
        "routing_metadata": {},
        # On this wire the id of the exchange travels here.
        "audit": {"tags": [], "rule_ids": [], "confidence": None, "reason_codes": [], "custom": {"correlation_id": correlation_id}},
        "needs_more": False,
        **more,
    }


def block(status, body):
    return {"block": {"status": status, "body": body, "headers": None}}


def plain_paths(uri):
    """As services read it: //admin, /x/../admin, /%61dmin and /admin;v=1 are /admin, and //host/admin may be it."""
    path = re.split("[?#]", re.sub(r"^[a-z][a-z0-9+.-]*://[^/?#]*", "", uri, flags=re.IGNORECASE))[0]
    return [plain_path(path), plain_path(re.sub(r"^[/\\]{2,}[^/\\]*", "", path))]


def plain_path(path):
    path = urllib.parse.unquote(urllib.parse.unquote(path)).replace("\\", "/")
    parts = (part.split(";")[0] for part in path.split("/"))
    return posixpath.normpath("/" + "/".join(part for part in parts if part))


def judge(rules, kind, event):
    """One event to one answer."""
    if kind == REQUEST_HEADERS:
        correlation_id = event["metadata"]["correlation_id"]
        paths = plain_paths(event["uri"])
        for blocked in rules.blocked:
            if any((path + "/").startswith(blocked.rstrip("/") + "/") for path in paths):
                return answer(correlation_id, block(403, f"{blocked} is blocked\n"))
        seen = {"set": {"name": "x-judged-by", "value": "python"}}
        return answer(correlation_id, request_headers=[seen], response_headers=[seen])
    if kind == REQUEST_BODY and b"<script" in base64.b64decode(event["data"]):
        return answer(event["correlation_id"], block(422, "no scripts here\n"))
    return answer(event.get("correlation_id", ""))


class Connection(socketserver.StreamRequestHandler):
    """One connection of a gateway: a handshake, then questions and answers until its end."""

    def read_frame(self):
        """Its type and payload; None at the end."""
        head = self.rfile.read(4)
        if len(head) < 4:
            return None
        (length,) = struct.unpack(">I", head)
        if not 1 <= length <= MAX_FRAME:
            raise ValueError(f"a frame of {length} bytes")
        data = self.rfile.read(length)
        return (data[0], data[1:]) if len(data) == length else None

    def write_frame(self, kind, value):
        payload = json.dumps(value).encode()
        self.wfile.write(struct.pack(">IB", len(payload) + 1, kind) + payload)

    def handle(self):
        try:
            if self.shake_hands():
                while (frame := self.read_frame()) is not None:
                    self.take(*frame)
        except (ValueError, KeyError, TypeError, ConnectionError) as fault:
            print(f"a connection ended: {fault!r}", file=sys.stderr)

    def shake_hands(self):
        frame = self.read_frame()
        if frame is None:
            return False
        kind, payload = frame
        if kind != HANDSHAKE_REQUEST:
            raise ValueError(f"type {kind:#x} in the place of a handshake")
        hello = json.loads(payload)
        known = 2 in hello["supported_versions"]
        wrong = None if known else "this agent speaks version 2"
        if known and hello.get("config") not in (None, {}):
            wrong = self.server.rules.configure(hello["config"])
        print(f"gateway {hello['proxy_id']} {hello['proxy_version']}", file=sys.stderr)
        self.write_frame(
            HANDSHAKE_RESPONSE,
            {
                "protocol_version": 2,
                "capabilities": CAPABILITIES,
                "success": wrong is None,
                "error": wrong,
                "encoding": "json",
            },
        )
        return wrong is None

    def take(self, kind, payload):
        event = json.loads(payload)
        if kind in QUESTIONS:
            self.write_frame(AGENT_RESPONSE, judge(self.server.rules, kind, event))
        elif kind == CONFIGURE:
            wrong = self.server.rules.configure(event.get("config"))
            decision = "allow" if wrong is None else block(500, wrong)
            self.write_frame(AGENT_RESPONSE, answer(event.get("correlation_id", ""), decision))
        elif kind == PING:
            now = int(time.time() * 1000)
            pong = {"sequence": event["sequence"], "ping_timestamp_ms": event.get("timestamp_ms", 0), "timestamp_ms": now}
            self.write_frame(PONG, pong)
        elif kind != CANCEL:
            raise ValueError(f"type {kind:#x}, which nobody knows")


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    rules = Rules()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="of the unix socket")
    path = parser.parse_args().path
    try:
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass
    os.umask(0o077)  # whoever may connect may ask: for this user only
    with Server(path, Connection) as server:
        print(f"listening at unix:{path}", file=sys.stderr)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
    os.unlink(path)


if __name__ == "__main__":
    main()
