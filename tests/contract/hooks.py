"""Signs in for the fuzzer, with an app's tokens. Some calls end the sign-in (`/auth/logout`, …): then it signs in again."""

import json
import os
import urllib.error
import urllib.request

import schemathesis

GATEWAY = os.environ["BFF_URL"]
CREDENTIALS = {"login": os.environ["BFF_LOGIN"], "password": os.environ["BFF_PASSWORD"]}


def sign_in() -> str:
    request = urllib.request.Request(
        GATEWAY + "/auth/token",
        json.dumps(CREDENTIALS).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["access_token"]


def stands(token: str) -> bool:
    request = urllib.request.Request(GATEWAY + "/auth/session", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10):
            return True
    except urllib.error.HTTPError as refusal:
        if refusal.code != 401:
            raise
        return False


# Asked for each request: whether the token of the last one still stands is only known then.
@schemathesis.auth(refresh_interval=None)
class SignedIn:
    token = None

    def get(self, case, context):
        if SignedIn.token is None or not stands(SignedIn.token):
            SignedIn.token = sign_in()
        return SignedIn.token

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"
