"""An API server of Kubernetes as far as Spark's submission goes: it keeps what it is sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ApiServer(ThreadingHTTPServer):
    """Objects that were made or changed, in the order in which they came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: list[dict[str, Any]] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.objects if each.get("kind") == kind]


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Nothing is there yet."""
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}
        empty = {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []}
        is_list = self.path.split("?")[0].rstrip("/").endswith(("pods", "configmaps", "services"))
        self._answer(200, empty) if is_list else self._answer(404, missing)

    def do_POST(self) -> None:
        """Keep an object, and hand it back with what a server adds to it."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.objects.append(body)
        self.server.paths.append(self.path.split("?")[0])
        added = {"uid": f"uid-{len(self.server.objects)}", "resourceVersion": "1"}
        self._answer(201, body | {"metadata": body.get("metadata", {}) | added})

    do_PUT = do_POST  # noqa: N815
    do_PATCH = do_POST  # noqa: N815

    def _answer(self, code: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def api_server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
