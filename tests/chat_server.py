"""A real HTTP server on this machine that speaks like a chat endpoint, as well or as badly as a test wants."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    """Before the last byte."""


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def question(self) -> str:
        return str(self.body["messages"][-1]["content"])


Script = Callable[[Request, int], Reply]
"""From a request and its number, counted from 1."""


@dataclass
class ChatServer:
    url: str
    requests: list[Request] = field(default_factory=list)


def said(text: str, finish: str = "stop") -> Reply:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return Reply(json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode())


def refused(status: int, message: str, headers: dict[str, str] | None = None, **more: str) -> Reply:
    """An error in OpenAI's shape."""
    error = {"error": {"message": message, "type": "error", "param": None, "code": None, **more}}
    return Reply(json.dumps(error).encode(), status, headers or {})


@contextmanager
def chat_server(script: Script) -> Iterator[ChatServer]:
    """Serve on a free port of this machine while the block runs."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                request = Request(self.path, dict(self.headers), sent)
                found.requests.append(request)
                number = len(found.requests)
            reply = script(request, number)
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body[:-1])
                self.wfile.flush()
                time.sleep(reply.delay_seconds)
                self.wfile.write(reply.body[-1:])
            except OSError:
                pass  # the client has gone

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = ChatServer(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
