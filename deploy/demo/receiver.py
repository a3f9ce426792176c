#!/usr/bin/env python3
"""A receiver of webhooks for the demonstration: prints each message whose signature is right.

    receiver.py SECRET_FILE

Listens on a free port of loopback and prints the URL first. Signatures are those of Standard Webhooks 1.0: base64 of
HMAC-SHA256 over "id.timestamp.body", the key in base64 behind "whsec_".
"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import sys

key = base64.b64decode(pathlib.Path(sys.argv[1]).read_text().strip().removeprefix("whsec_"))


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        signature = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if not any(hmac.compare_digest(signature, given) for given in self.headers["webhook-signature"].split()):
            return self.send_error(401)
        message = json.loads(body)
        print(message["type"], json.dumps(message["data"], ensure_ascii=False), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass  # The messages are the log.


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
