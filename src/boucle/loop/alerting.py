"""Configuration of Prometheus and Alertmanager for one project: what to read, and whom to tell.

What Boucle has told people itself is not told them twice. What it can still act on goes to its own webhook, and what
it cannot be relied on to tell goes straight to people. Secrets are never written: they are read from files that are
named here and made by whoever runs Alertmanager.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from boucle.loop.rules import OWN
from boucle.project.settings import Settings

RULES = "boucle.rules.yml"
WEBHOOK = "/api/alerts/alertmanager"
KEY_FILE = "boucle.key"
"""Holds an API key of the role operator, where the project asks for keys."""
SLACK_FILE, MAIL_FILE = "slack.url", "mail.password"
_ITSELF = ("BoucleNotServing", "BoucleControlPlaneAway", "BoucleKeeperSilent")

Config = dict[str, Any]


def prometheus(settings: Settings, host: str = "127.0.0.1", alertmanager: str = "127.0.0.1:9093") -> Config:
    """Return a configuration that reads both planes of the project at ``host``."""
    serve = settings.serve
    job: Config = {
        "job_name": f"boucle-{settings.name}",
        "static_configs": [{"targets": [f"{host}:{serve.port}", f"{host}:{serve.control_port}"]}],
    }
    if serve.tls is not None:
        job["scheme"] = "https"
    if serve.auth.on and serve.auth.metrics != "open":
        job["authorization"] = {"credentials_file": KEY_FILE}
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": [RULES],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [job],
    }


def alertmanager(settings: Settings, host: str = "127.0.0.1") -> Config:
    """Return routes and receivers: Boucle's webhook, and people as `alerts` names them, as far as Alertmanager can."""
    serve = settings.serve
    scheme = "http" if serve.tls is None else "https"
    hook: Config = {"url": f"{scheme}://{host}:{serve.control_port}{WEBHOOK}", "send_resolved": True}
    if serve.auth.on:
        hook["http_config"] = {"authorization": {"credentials_file": KEY_FILE}}
    told = f'told_by="{OWN}"'
    itself = f'alertname=~"{"|".join(_ITSELF)}"'
    silent = "nobody" if settings.alerts else "people"
    return {
        "route": {
            "receiver": "people",
            "group_by": ["alertname", "model"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [
                {"matchers": [told], "receiver": silent},
                {"matchers": [itself], "receiver": "people"},
                {"matchers": [f'model="{settings.name}"'], "receiver": "boucle", "continue": not settings.alerts},
                *([] if settings.alerts else [{"matchers": [f'model="{settings.name}"'], "receiver": "people"}]),
            ],
        },
        "inhibit_rules": [
            {"source_matchers": ['severity="page"'], "target_matchers": ['severity="ticket"'],
             "equal": ["alertname", "model"]},
            {"source_matchers": ['alertname="BoucleControlPlaneAway"'],
             "target_matchers": ['alertname="BoucleKeeperSilent"'], "equal": ["model"]},
        ],
        "receivers": [
            {"name": "boucle", "webhook_configs": [hook]},
            {"name": "people", **_people(settings.alerts)},
            {"name": "nobody"},
        ],
    }  # fmt: skip


def untranslated(addresses: Iterable[str]) -> list[str]:
    """Return the kinds of addresses that Alertmanager has no receiver for; they are to be added by hand."""
    return sorted({kind for a in addresses if not _one(a) and (kind := a.partition("://")[0])})


def _people(addresses: Iterable[str]) -> Config:
    found: Config = {}
    for address in addresses:
        for kind, one in _one(address).items():
            if one not in found.setdefault(kind, []):
                found[kind].append(one)
    return found


def _one(address: str) -> Config:
    """Return the receiver of an Apprise address, without its secrets."""
    kind = address.partition("://")[0].lower()
    if kind == "slack" or address.startswith("https://hooks.slack.com/"):
        return {"slack_configs": {"api_url_file": SLACK_FILE, "send_resolved": True}}
    if kind in ("mailto", "mailtos"):
        return _mail(address)
    return {}


def _mail(address: str) -> Config:
    """Translate ``mailto://USER:PASSWORD@HOST?to=…&from=…&smtp=…``; {} without a host or a recipient."""
    parts = urlsplit(address)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    server = query.get("smtp", parts.hostname or "")
    user = unquote(parts.username or "")
    sender = query.get("from") or (f"{user}@{parts.hostname}" if user and "@" not in user else user)
    to = query.get("to") or sender
    if not server or "@" not in to or "@" not in sender:
        return {}
    secure = parts.scheme == "mailtos"
    found: Config = {"to": to, "from": sender, "smarthost": f"{server}:{parts.port or (587 if secure else 25)}",
                     "require_tls": secure, "send_resolved": True}  # fmt: skip
    if parts.password:
        found |= {"auth_username": query.get("user", user), "auth_password_file": MAIL_FILE}
    return {"email_configs": found}
