"""A proxy before an S3 server that breaks answers on purpose: seeded, and counted."""

import hashlib
import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SLOW_DOWN = "slow_down"
RESET = "reset"
SLOW = "slow"
WRONG = "wrong"
TRUNCATED = "truncated"
SHORT = "short"
EXPIRED = "expired"
KINDS = (SLOW_DOWN, RESET, SLOW, WRONG, TRUNCATED, SHORT)
"""What may go wrong with an answer.

503 SlowDown; the connection is reset in mid-body; the body trickles; one byte of it is another one;
the body ends before its announced length; the body is cut and its length says so.
"""
ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
    "<Message>injected</Message></Error>"
)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Which answers are broken.

    The n-th request of one method and key has the same fate in every bucket, whatever comes
    between. A SlowDown goes on for the `burst` next requests of all kinds.
    """

    rate: float
    kinds: Sequence[str] = KINDS
    seed: int = 0
    burst: int = 3
    slow_seconds: float = 0.05
    applies: Callable[[str, str], bool] = lambda method, path: method == "GET"

    def kind(self, method: str, path: str, number: int) -> str | None:
        """The fault of a request, or None."""
        if not self.applies(method, path):
            return None
        key = path.split("/", 2)[-1]
        text = f"{self.seed} {method} {key} {number}"
        digest = hashlib.sha256(text.encode()).digest()
        share = int.from_bytes(digest[:8]) / 2**64
        return self.kinds[digest[8] % len(self.kinds)] if share < self.rate else None


class FaultyS3:
    """The running proxy: its address and what it counted."""

    def __init__(self, endpoint: str, upstream: str, faults: Faults) -> None:
        self.endpoint = endpoint
        self.upstream = urlsplit(upstream).netloc
        self.faults = faults
        self.asked: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()
        self.injected: Counter[str] = Counter()
        self._burst = 0
        self._lock = threading.Lock()

    def fate(self, method: str, path: str) -> str | None:
        """Count a request and decide what happens to its answer."""
        with self._lock:
            self.asked[method, path] += 1
            kind = self.faults.kind(method, path, self.asked[method, path])
            if kind == SLOW_DOWN:
                self._burst = self.faults.burst
            elif self._burst and self.faults.applies(method, path):
                self._burst -= 1
                kind = SLOW_DOWN
            if kind:
                self.injected[kind] += 1
            return kind

    def count_answer(self, method: str, path: str) -> None:
        """Count an answer that was whole and right."""
        with self._lock:
            self.answered[method, path] += 1


@contextmanager
def faulty_s3(upstream: str, faults: Faults) -> Iterator[FaultyS3]:
    """Start a proxy before the server at `upstream`, on a free port of this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy = FaultyS3(f"http://127.0.0.1:{server.server_port}", upstream, faults)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultyS3

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up on a broken answer is what is wanted."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: without it each answer waits 40 ms for the first one's ACK.
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def _forward(self) -> None:
        proxy, path = self.server.proxy, urlsplit(self.path).path
        body = self._body()
        kind = proxy.fate(self.command, path)
        if kind == SLOW_DOWN:
            self._refuse(503, "SlowDown")
        elif kind == EXPIRED:
            self._refuse(400, "ExpiredToken")
        else:
            self._answer(self._asked(body), kind, path)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward  # noqa: N815

    def _body(self) -> bytes:
        """What came with the request, in chunks if it came in chunks, as a repeated PUT may."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts, size = [], -1
        while size:
            parts.append(self.rfile.readline())
            size = int(parts[-1].partition(b";")[0], 16)
            parts.append(self.rfile.read(size + 2) if size else b"")
        while (trailer := self.rfile.readline()) not in (b"\r\n", b""):
            parts.append(trailer)
        return b"".join([*parts, b"\r\n"])

    def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer of the server; the signature covers the name that the client called."""
        connection = http.client.HTTPConnection(self.server.proxy.upstream, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), data

    def _answer(
        self, answer: tuple[int, list[tuple[str, str]], bytes], kind: str | None, path: str
    ) -> None:
        status, headers, data = answer
        if kind == WRONG and data:
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1 :]
        if kind == SHORT:
            data = data[: len(data) // 2]
        if kind in (None, SLOW) and status < 300:
            # Before it is sent: a client that has it may look at the counts at once.
            self.server.proxy.count_answer(self.command, path)
        self._send_head(status, headers, len(data))
        if self.command != "HEAD":
            self._send_body(data, kind)

    def _send_head(self, status: int, headers: list[tuple[str, str]], length: int) -> None:
        self.send_response_only(status)
        dropped = {"transfer-encoding", "connection"}
        if self.command != "HEAD":
            # What would tell of a changed body: faults are to be found by the bytes alone.
            dropped |= {"content-length"}
            dropped |= {n.lower() for n, _ in headers if n.lower().startswith("x-amz-checksum")}
            self.send_header("Content-Length", str(length))
        for name, value in headers:
            if name.lower() not in dropped:
                self.send_header(name, value)
        self.end_headers()

    def _send_body(self, data: bytes, kind: str | None) -> None:
        half = len(data) // 2
        if kind in (RESET, TRUNCATED):
            self.wfile.write(data[:half])
            self.wfile.flush()
            self.close_connection = True
            if kind == RESET:
                # With no time to linger, closing sends a reset in the place of an end.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif kind == SLOW:
            self.wfile.write(data[:half])
            time.sleep(self.server.proxy.faults.slow_seconds)
            self.wfile.write(data[half:])
        else:
            self.wfile.write(data)

    def _refuse(self, status: int, code: str) -> None:
        data = ERROR.format(code=code).encode()
        self._send_head(status, [("Content-Type", "application/xml")], len(data))
        if self.command != "HEAD":
            self.wfile.write(data)
