"""A profile service in WSGI, as far as sign-up, sign-in and feeds ask for one.

It runs under gunicorn, whose threaded worker closes a connection that was idle for two seconds. It believes what a
token says without verifying it: it is reached by the gateway under test alone, over loopback.
"""

import base64
import json
import threading
import uuid
from urllib.parse import parse_qs

MEMBERS = {}
LOCK = threading.Lock()
CARD = ("id", "username", "displayName", "avatarUrl")
MEMBER = (*CARD, "bio", "createdAt")
ME = (*MEMBER, "email", "totpEnabled")


class Problem(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


def view(member, fields):
    return {field: member[field] for field in fields}


def acting(environ):
    """The id of the acting user, as the service token says."""
    payload = environ.get("HTTP_AUTHORIZATION", "").split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("sub")


def body_of(environ):
    return json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def sign_up(body):
    member = {
        "id": str(uuid.uuid4()),
        "username": body["username"],
        "displayName": body["username"],
        "avatarUrl": None,
        "bio": None,
        "createdAt": "2026-11-20T09:30:00Z",
        "email": body["email"],
        "totpEnabled": False,
        "password": body["password"],
    }
    with LOCK:
        for other in MEMBERS.values():
            for field in ("email", "username"):
                if other[field] == member[field]:
                    raise Problem(409, f"{field}_taken")
        MEMBERS[member["id"]] = member
    return view(member, ME)


def verify(body):
    with LOCK:
        for member in MEMBERS.values():
            if body["login"] in (member["email"], member["username"]) and body["password"] == member["password"]:
                return view(member, ME)
    raise Problem(401, "bad_credentials")


def known(member_id):
    with LOCK:
        member = MEMBERS.get(member_id)
    if member is None:
        raise Problem(404, "not_found")
    return member


def answer(environ):
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].strip("/").split("/")
    match (method, *path):
        case ("POST", "members"):
            return 201, sign_up(body_of(environ))
        case ("POST", "members", "verify"):
            return 200, verify(body_of(environ))
        case ("GET", "members"):
            ids = parse_qs(environ["QUERY_STRING"]).get("ids", [""])[0].split(",")
            with LOCK:
                return 200, {"items": [view(MEMBERS[one], CARD) for one in ids if one in MEMBERS]}
        case ("GET", "members", "me"):
            return 200, view(known(acting(environ)), ME)
        case ("GET", "members", member_id):
            return 200, view(known(member_id), MEMBER)
    raise Problem(404, "not_found")


def app(environ, start_response):
    kind = "application/json"
    try:
        status, document = answer(environ)
    except Problem as problem:
        status, kind = problem.status, "application/problem+json"
        document = {
            "type": f"/problems/{problem.code}",
            "title": problem.code,
            "status": status,
            "detail": problem.code,
            "code": problem.code,
            "requestId": environ.get("HTTP_X_REQUEST_ID", ""),
        }
    body = json.dumps(document).encode()
    start_response(f"{status} X", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
