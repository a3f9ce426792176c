"""A server that says what a test tells it to: for answers that the real one gives only when something is wrong."""

import http.server
import threading


class StandIn:
    """Answers each path by its handler, a function of the request handler; listens on loopback until closed."""

    def __init__(self, routes: dict):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                for prefix, answer in routes.items():
                    if self.path.startswith(prefix):
                        return answer(self)
                self.send_error(404)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> "StandIn":
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=10)


def answer(handler, body: str, status=200, media="application/json") -> None:
    handler.send_response(status)
    handler.send_header("content-type", media)
    handler.send_header("content-length", str(len(body.encode())))
    handler.end_headers()
    handler.wfile.write(body.encode())


def stream(handler, parts) -> None:
    """Server-sent events until the parts are used up, then the connection ends."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("connection", "close")
    handler.end_headers()
    for part in parts:
        handler.wfile.write(part.encode())
        handler.wfile.flush()
