"""An issuer of tokens: a real HTTP server that publishes keys, and what is signed with them."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.conftest import framework

jwk, jwt = (
    framework("joserfc.jwk", "make install-jwt"),
    framework("joserfc.jwt", "make install-jwt"),
)

ISSUER, AUDIENCE = "https://issuer.example", "weir"
RSA = jwk.RSAKey.generate_key(2048, {"kid": "rsa"})
EC = jwk.ECKey.generate_key("P-256", {"kid": "ec"})
ED = jwk.OKPKey.generate_key("Ed25519", {"kid": "ed"})
LATER = jwk.ECKey.generate_key("P-256", {"kid": "later"})
STRANGER = jwk.ECKey.generate_key("P-256", {"kid": "ec"})
SECRET = jwk.OctKey.generate_key(256)


class Published(ThreadingHTTPServer):
    """Publishes *keys*, and counts how often it is asked."""

    def __init__(self):
        self.keys, self.asked, self.status, self.body = [RSA, EC, ED], 0, 200, None
        self.goes_on = None
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_port}/jwks.json"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Answering(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        if self.server.goes_on:
            self.server.goes_on.wait(20)
        body = json.dumps(jwk.KeySet(self.server.keys).as_dict(private=False)).encode()
        body = body if self.server.body is None else self.server.body
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def token(key=EC, alg="ES256", head=None, **claims):
    told = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": int(time.time()) + 60}
    told = {name: value for name, value in (told | claims).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid} | (head or {}), told, key, algorithms=[alg])
