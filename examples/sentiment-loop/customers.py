"""Customers who have their reviews judged over HTTP, and say afterwards what was right.

``python customers.py films 200`` sends 200 of them; ``python customers.py food`` sends until the loop has answered the
change with a new champion, or there are none left.
"""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator

import reviews

SERVICE, CONTROL = os.environ.get("BOUCLE_SERVE__PORT", "8080"), os.environ.get("BOUCLE_SERVE__CONTROL_PORT", "8081")
CHUNK, PATIENCE, START, SELDOM = 20, 1800.0, 120.0, 3.0


def call(port: str, method: str, path: str, body: object = None) -> dict:
    """Send JSON to this machine and read JSON; a server that has only just been started is waited for."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    end = time.monotonic() + START
    while True:
        try:
            connection.connect()
            break
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise SystemExit(f"nothing answers on port {port}: run  boucle up  first") from None
            time.sleep(0.2)
    connection.request(method, path, None if body is None else json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    if response.status >= 400:
        raise SystemExit(f"{method} {path}: {answer}")
    return answer


def sent(world: str) -> Iterator[tuple[int, bool]]:
    """Ask about one review after the other, in chunks whose truth is told at once; yields (version, was it right)."""
    rows, before = reviews.asked(world), followed(0)
    for start in range(0, len(rows), CHUNK):
        told = []
        for text, label in rows.iloc[start : start + CHUNK].itertuples(index=False):
            answer = call(SERVICE, "POST", "/predict/sentiment", {"text": text})
            told.append({"id": answer["id"], "truth": label})
            yield int(answer["version"]), answer["predictions"][0] == label
        call(SERVICE, "POST", "/feedback", told)
        followed(before + start + len(told))


def followed(rows: int) -> int:
    """Wait until the keeper has read so many rows, and what it retrains answers; returns how many it has read."""
    end, pause = time.monotonic() + PATIENCE, 0.1
    while time.monotonic() < end:
        model = call(CONTROL, "GET", "/api/status")["models"][0]
        if model["traffic"]["rows"] >= rows and not learning():
            return int(model["traffic"]["rows"])
        time.sleep(pause)
        pause = min(1.5 * pause, SELDOM)  # a retraining takes a minute, and needs the machine more than we do
    raise SystemExit("the keeper does not follow")


def learning() -> bool:
    """Say whether a retraining has begun whose version neither takes traffic yet nor has failed."""
    found = events()
    begun = sum(event["kind"] == "retraining" for event in found)
    over = sum(event["kind"] in ("rollout_started", "gate_failed", "training_failed") for event in found)
    return begun > over


def events() -> list[dict]:
    """Return what happened, the newest 200."""
    return list(call(CONTROL, "GET", "/api/events?limit=200")["events"])


def released() -> bool:
    """Say whether a challenger became champion."""
    return any(event["kind"] == "rollout_done" for event in events())


def main(world: str, most: int) -> None:
    right: dict[int, list[bool]] = {}
    for number, (version, correct) in enumerate(sent(world), start=1):
        right.setdefault(version, []).append(correct)
        if number >= most or (number % CHUNK == 0 and most > 10_000 and released()):
            break
    for version, found in sorted(right.items()):
        print(f"{world}: sentiment/{version} was right in {sum(found) / len(found):.1%} of {len(found)}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
