"""One alarm, told to real receivers: what they get, and what happens when they hang, refuse or are away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from apprise.plugins.slack import NotifySlack

from boucle.adapters.notifiers.apprise import AppriseNotifier
from boucle.core.alarm import Alarm
from boucle.core.json import to_data
from boucle.core.verdict import Check, Verdict
from boucle.loop.messages import write

from .receivers import Mailbox, Webhook, mailbox, webhook

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"
BINS = {"bins": {"reference": [1, 5, 9, 3], "current": [9, 3, 2, 1]}}
CHECK = Check("alcohol", "fail", 0.42, "< 0.1", 0.31, 0.53, 2000, "changed", BINS)
VERDICT = Verdict.of("wine/3", "drift", [CHECK], changed=1.7e9)
ALARM = Alarm(
    7, "wine", "drift", 1.7e9, "drift", 3,
    data={"verdict": to_data(VERDICT), "done": "rolled back to wine/2", "undo": "boucle promote wine/3"},
)  # fmt: skip


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as held:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"{held.url}/services")
        yield held


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    with mailbox() as held:
        yield held


def address(mail: Mailbox) -> str:
    return f"mailto://{mail.address}?from=robot@example.org&to=oncall@example.org&mode=insecure"


def test_slack_takes_the_message_and_shows_all_of_it(slack: Webhook) -> None:
    assert AppriseNotifier([SLACK]).send(*write(ALARM)) == []
    ((path, body),) = slack.got
    assert path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    (shown,) = body["attachments"]
    assert shown["title"] == "wine: data drift in alcohol"
    for said in ("effect 0.42 [0.31, 0.53]", "rolled back to wine/2", "boucle promote wine/3", "boucle ack 7"):
        assert said in shown["text"]


def test_a_column_cannot_call_everybody_on_slack(slack: Webhook) -> None:
    odd = Verdict.of("wine/3", "drift", [replace(CHECK, name="<!channel> @here <http://evil.example|x>")])
    assert AppriseNotifier([SLACK]).send(*write(replace(ALARM, data={"verdict": to_data(odd)}))) == []
    (shown,) = slack.got[0][1]["attachments"]
    assert "<!channel>" not in shown["text"] + shown["title"]
    assert "@here" not in shown["text"] + shown["title"]
    assert "<http" not in shown["text"] + shown["title"]


def test_a_mail_has_text_html_and_the_picture_within(mail: Mailbox) -> None:
    assert AppriseNotifier([address(mail)]).send(*write(ALARM)) == []
    (got,) = mail.got
    assert got["subject"] == "wine: data drift in alcohol"
    parts = {part.get_content_type(): part for part in got.walk()}
    assert "boucle promote wine/3" in parts["text/plain"].get_content()
    assert "<code>boucle promote wine/3</code>" in parts["text/html"].get_content()
    assert parts["image/png"].get_content() == write(ALARM).picture
    assert f"cid:{parts['image/png']['content-id'].strip('<>')}" in parts["text/html"].get_content()


def test_a_column_is_escaped_in_a_mail_and_adds_no_header(mail: Mailbox) -> None:
    odd = Verdict.of("wine/3", "drift", [replace(CHECK, name="<script>x</script>\r\nBcc: all@example.org")])
    assert AppriseNotifier([address(mail)]).send(*write(replace(ALARM, data={"verdict": to_data(odd)}))) == []
    (got,) = mail.got
    assert got["bcc"] is None
    html = got.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_webhook_that_refuses_is_reported_without_its_token(slack: Webhook, status: int) -> None:
    slack.status = status
    (failed,) = AppriseNotifier([SLACK]).send(*write(ALARM))
    assert failed.startswith("slack://")
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in failed


def test_a_mail_server_that_refuses_is_reported(mail: Mailbox) -> None:
    mail.answer = "451 not now"
    assert len(AppriseNotifier([address(mail)]).send(*write(ALARM))) == 1
    assert mail.got == []


def test_one_that_hangs_holds_up_no_other_and_gets_nothing_more_meanwhile(slack: Webhook, mail: Mailbox) -> None:
    slack.open.clear()
    hanging = AppriseNotifier([SLACK, address(mail)], patience=2.0)
    (failed,) = hanging.send(*write(ALARM))
    assert failed.startswith("slack://")
    assert len(mail.got) == 1
    assert failed in hanging.send(*write(ALARM))
    slack.open.set()
    assert slack.arrived.wait(20)
    assert len(slack.got) == 1


def test_an_address_where_nobody_is_fails_alone(slack: Webhook) -> None:
    away = "mailto://127.0.0.1:1?from=robot@example.org&to=oncall@example.org&mode=insecure"
    failed = AppriseNotifier([away, SLACK]).send(*write(ALARM))
    assert len(failed) == 1
    assert failed[0].startswith("mailto://")
    assert len(slack.got) == 1
