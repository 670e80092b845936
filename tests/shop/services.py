"""The services of the second product: orders, catalogue, customers. Each is a small HTTP server that believes service tokens
alone, and knows nothing of the gateway but where its keys are.

    python services.py NAME JWKS_URL      prints `listening on 127.0.0.1:PORT`

`POST /_control {"delay_ms": 0, "fail": "PATH PREFIX" or null}` and `GET /_journal` are the tests' own.
"""

import hashlib
import json
import os
import sys
import threading
import time
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

REPORT_BYTES = 100 * 1024 * 1024
CHUNK = bytes(range(256)) * 256

ITEMS = {
    number: {
        "id": number,
        "name": f"item {number}",
        "description": "an item of which there is a lot to say " * 4,
        "price": number + 0.50,
        "purchasePrice": 0.01,
        "supplierId": None if number % 7 == 0 else f"s{number % 3}",
    }
    for number in range(1, 60)
}
SUPPLIERS = {
    f"s{number}": {"id": f"s{number}", "name": f"supplier {number}", "country": None, "margin": 0.4}
    for number in range(2)  # nobody is s2
}


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Refused(Exception):
    def __init__(self, status, code, **more):
        super().__init__(code)
        self.status, self.problem = status, {"type": "about:blank", "title": code, "status": status, "code": code,
                                             "detail": "a detail that must never leave", **more}


class Service:
    """What all of them have."""

    def __init__(self, jwks_url):
        self.keys = jwt.PyJWKClient(jwks_url, lifespan=60)
        self.lock = threading.Lock()
        self.journal, self.delay_ms, self.fail = [], 0, None

    def caller(self, headers):
        """The claims of a sound service token."""
        token = (headers.get("authorization") or "").removeprefix("Bearer ")
        try:
            key = self.keys.get_signing_key_from_jwt(token)
            return jwt.decode(token, key.key, algorithms=["EdDSA"], audience=self.NAME)
        except jwt.PyJWTError as error:
            raise Refused(401, "token_invalid") from error

    def acting(self, claims):
        if "sub" not in claims:
            raise Refused(403, "no_acting_user")
        return claims["sub"]


class Orders(Service):
    NAME = "orders"

    def __init__(self, jwks_url):
        super().__init__(jwks_url)
        self.orders = {}

    def answer(self, method, path, query, claims, body, _headers):
        me = self.acting(claims)
        mine = [order for order in reversed(self.orders.values()) if order["customerId"] == me]
        match method, path:
            case "GET", ["orders"]:
                if "state" in query:
                    mine = [order for order in mine if order["state"] == query["state"]]
                return 200, page(mine, query)
            case "GET", ["orders", "mine"]:
                return 200, {"count": len(mine)}
            case "POST", ["orders"]:
                if any(line["itemId"] == 13 for line in body["lines"]):
                    raise Refused(403, "not_orderable")
                if any(line["itemId"] not in ITEMS for line in body["lines"]):
                    raise Refused(422, "unknown_item", errors=[{"field": "lines", "code": "unknown_item", "message": "secret"}])
                order = {"id": str(uuid.uuid4()), "customerId": me, "state": "open", "note": body.get("note"),
                         "lines": body["lines"], "createdAt": now(), "internalRemark": "must never leave"}
                with self.lock:
                    self.orders[order["id"]] = order
                return 201, order
        if len(path) < 2 or path[0] != "orders":
            raise Refused(404, "not_found")
        order = self.orders.get(path[1])
        if order is None or order["customerId"] != me:
            raise Refused(404, "not_found")
        match method, path[2:]:
            case "GET", []:
                return 200, order
            case "DELETE", []:
                if order["state"] == "done":
                    raise Refused(410, "done")
                with self.lock:
                    del self.orders[order["id"]]
                return 204, None
            case "GET", ["history"]:
                happened = [{"at": order["createdAt"], "what": f"step {step}", "orderId": order["id"]} for step in range(8)]
                return 200, page(happened, query)
        raise Refused(404, "not_found")


def page(items, query):
    limit, start = int(query.get("limit", 20)), query.get("cursor", "0")
    if not start.isdigit() or int(start) > len(items):
        raise Refused(422, "unknown_cursor")
    end = int(start) + limit
    return {"items": items[int(start):end], "nextCursor": str(end) if end < len(items) else None}


class Catalogue(Service):
    NAME = "catalogue"

    def answer(self, method, path, query, claims, body, headers):
        match method, path:
            case "GET", ["items"]:
                ids = [int(one) for one in query["ids"].split(",")]
                # Some that were not asked for beside them, in an order of its own.
                return 200, {"items": [ITEMS[one] for one in sorted({*ids, 1}, reverse=True) if one in ITEMS]}
            case "GET", ["items", one] if one.isdigit() and int(one) in ITEMS:
                item = dict(ITEMS[int(one)])
                if headers.get("accept-language", "").startswith("ko"):
                    item["name"] = f"물건 {one}"
                return 200, item
            case "GET", ["suppliers", one] if one in SUPPLIERS:
                return 200, SUPPLIERS[one]
            case "POST", ["graphql"]:
                item = body["variables"]["id"]
                if item == "5":
                    return 200, {"data": {"offers": None}, "errors": [{"message": "secret"}]}
                return 200, {"data": {"offers": [{"id": f"offer-{item}", "price": 1.5}]}}
        raise Refused(404, "not_found")


class Customers(Service):
    NAME = "customers"

    def __init__(self, jwks_url):
        super().__init__(jwks_url)
        self.customers, self.secrets = {}, {}

    def answer(self, method, path, _query, claims, body, _headers):
        match method, path:
            case "POST", ["members"]:
                with self.lock:
                    for field in ("email", "username"):
                        if any(known[field] == body[field] for known in self.customers.values()):
                            raise Refused(409, f"{field}_taken")
                    customer = {"id": str(uuid.uuid4()), "username": body["username"], "displayName": None,
                                "avatarUrl": None, "since": now(), "email": body["email"], "creditLimit": "must never leave"}
                    salt = os.urandom(16)
                    self.customers[customer["id"]] = customer
                    self.secrets[customer["id"]] = salt, digest(body["password"], salt)
                return 201, customer
            case "POST", ["members", "verify"]:
                for customer in self.customers.values():
                    if body["login"] in (customer["username"], customer["email"]):
                        salt, known = self.secrets[customer["id"]]
                        if digest(body["password"], salt) == known:
                            return 200, customer
                raise Refused(401, "bad_credentials")
            case "GET", ["members", "me"]:
                path = ["customers", self.acting(claims)]
        match method, path:
            case "GET", ["customers", one] if one in self.customers:
                return 200, self.customers[one]
        raise Refused(404, "not_found")


def digest(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**8, r=8, p=1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = None

    def handle_any(self):
        url = urlsplit(self.path)
        path = [unquote(segment) for segment in url.path.split("/")[1:]]
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        service = self.service
        try:
            if path[0].startswith("_"):
                return self.control(path[0])
            claims = service.caller(self.headers)
            line = {"line": f"{self.command} {self.path}", "sub": claims.get("sub"), "headers": dict(self.headers)}
            with service.lock:
                service.journal.append(line)
            if service.delay_ms:
                time.sleep(service.delay_ms / 1000)
            if service.fail is not None and self.path.startswith(service.fail):
                raise Refused(500, "internal")
            if path[0] == "reports" and service.NAME == "catalogue":
                return self.report(query)
            status, answer = service.answer(self.command, path, query, claims, self.read_json(), self.headers)
            self.send_json(status, answer)
        except Refused as refused:
            self.drain()
            self.send_json(refused.status, refused.problem, "application/problem+json")

    def control(self, what):
        if what == "_journal":
            with self.service.lock:
                lines, self.service.journal = self.service.journal, []
            return self.send_json(200, lines)
        wanted = self.read_json()
        self.service.delay_ms = wanted.get("delay_ms", 0)
        self.service.fail = wanted.get("fail")
        return self.send_json(204, None)

    def report(self, query):
        """Answers with 100 MiB, or counts what it is sent."""
        if self.command == "GET":
            size = int(query.get("bytes", REPORT_BYTES))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(size))
            self.send_header("Set-Cookie", "secret=1")
            self.send_header("X-Internal", "must never leave")
            self.end_headers()
            while size:
                size -= self.wfile.write(CHUNK[:size])
            return
        count, sha = 0, hashlib.sha256()
        for chunk in self.chunks():
            count += len(chunk)
            sha.update(chunk)
        self.send_json(200, {"bytes": count, "sha256": sha.hexdigest(), "type": self.headers.get("content-type")})

    def chunks(self):
        self.body_read = True
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("content-length", 0))
        while left:
            chunk = self.rfile.read(min(left, 1 << 16))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk

    def read_json(self):
        text = b"".join(self.chunks())
        return json.loads(text) if text else None

    def drain(self):
        if not getattr(self, "body_read", False):
            for _ in self.chunks():
                pass

    def send_json(self, status, answer, media_type="application/json"):
        text = b"" if answer is None else json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        if text:
            self.send_header("Content-Type", media_type)
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle_one_request(self):
        self.body_read = False
        super().handle_one_request()

    def log_message(self, *_):
        pass

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


if __name__ == "__main__":
    name, jwks_url = sys.argv[1:]
    Handler.service = {kind.NAME: kind for kind in (Orders, Catalogue, Customers)}[name](jwks_url)
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 256
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
