"""Hooks: real servers and commands, kept until they are confirmed."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from e2e.driving import wait_for
from leaks import own_threads
from streamify.errors import UsageError
from streamify.model.backoff import Backoff
from streamify.model.event import Event
from streamify.model.upload import Ended
from streamify.storage.local import LocalStorage
from streamify.watch import command_hook, deliveries, webhook
from streamify.watch.deliveries import Deliveries
from streamify.watch.hooks import Target, parse_target
from unit.watch.receiver import Receiver, receiving
from waiting import wait_until

KEY = b"k" * 32


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "PAUSE", Backoff(first=0.05, factor=1.0, longest=0.05))
    monkeypatch.setattr(webhook, "PATIENCE", 120.0)


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """Hooks of a test would call on while others run, and for ever."""
    before = own_threads()
    yield
    while Run.begun:
        Run.begun.pop().hooks.close()
    wait_until(lambda: own_threads() <= before)


def ended(outcome: str = "complete", upload: str = "one") -> Ended:
    return Ended.model_validate(
        {"id": upload, "key": "a/ü.mp4", "size": 7, "source": "/up/a/ü.mp4", "dest": "/media/a/ü.mp4",
         "outcome": outcome, "accepted": 1.5, "ended": time.time(),
         **({"code": "source-empty", "message": "it is empty"} if outcome == "failed" else {})}
    )  # fmt: skip


class Run:
    """A run of `watch`, as far as hooks are concerned."""

    begun: ClassVar[list[Run]] = []
    """By the test that runs."""

    def __init__(self, media: Path, *targets: Target, key: bytes | None = None) -> None:
        self.events: list[Event] = []
        self.kept = media / ".streamify-watch" / "deliveries"
        self.hooks = Deliveries(LocalStorage(media), targets, key, self.events.append)
        self.hooks.start()
        self.begun.append(self)

    def waiting(self) -> int:
        return len(list(self.kept.glob("*.json"))) if self.kept.exists() else 0


def test_the_signature_is_that_of_the_standard() -> None:
    # The example of docs.svix.com/receiving/verifying-payloads/how-manual.
    secret = webhook.parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    found = webhook.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["", "short", "whsec_!!!!", "whsec_c2hvcnQ="])
def test_a_secret_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="secret"):
        webhook.parse_secret(text)


def test_a_webhook_is_called_with_a_signature_that_openssl_confirms(receiver: Receiver, tmp_path: Path) -> None:
    run = Run(tmp_path, Target("job.done", url=receiver.url), Target("job.failed", url=receiver.url + "&x"), key=KEY)
    run.hooks.add(ended())
    assert run.hooks.drain(60) == 0
    ((headers, body),) = receiver.got
    told = json.loads(body)
    assert told["type"] == "job.done"
    assert {key: told["data"][key] for key in ("upload", "dest", "outcome", "code")} == {
        "upload": "a/ü.mp4", "dest": "/media/a/ü.mp4", "outcome": "complete", "code": None,
    }  # fmt: skip
    assert headers["content-type"] == "application/json"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    command = ["openssl", "dgst", "-sha256", "-hmac", KEY.decode(), "-binary"]
    digest = subprocess.run(command, input=signed, capture_output=True, check=True).stdout
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert [event.kind for event in run.events] == ["hook.called"]
    assert "token" not in run.events[0].to_json().decode()


def test_without_a_secret_nothing_is_signed(receiver: Receiver, tmp_path: Path) -> None:
    run = Run(tmp_path, Target("job.failed", url=receiver.url))
    run.hooks.add(ended("failed"))
    assert run.hooks.drain(60) == 0
    headers, body = receiver.got[0]
    assert "webhook-signature" not in headers
    assert (json.loads(body)["type"], json.loads(body)["data"]["code"]) == ("job.failed", "source-empty")


def test_what_is_not_confirmed_is_tried_again_with_the_same_id_also_after_a_restart(
    receiver: Receiver, tmp_path: Path
) -> None:
    receiver.status = 500
    target = Target("job.done", url=receiver.url)
    first = Run(tmp_path, target)
    first.hooks.add(ended())
    wait_for(lambda: len(receiver.got) >= 2)
    first.hooks.close()
    wait_for(lambda: not first.hooks._busy)
    kept = (tmp_path / ".streamify-watch" / "deliveries").glob("*.json")
    assert "token=secret" not in next(kept).read_text()  # it may lie in a public bucket
    receiver.status = 200
    second = Run(tmp_path, target)
    assert second.hooks.drain(60) == 0
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    assert second.waiting() == 0
    third = Run(tmp_path, target)
    assert third.hooks.drain(1) == 0
    assert len([event for event in second.events if event.kind == "hook.called"]) == 1
    assert third.events == []


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410, 503])
def test_only_2xx_confirms_and_no_redirect_is_followed(receiver: Receiver, tmp_path: Path, status: int) -> None:
    with receiving() as elsewhere:
        receiver.status, receiver.location = status, elsewhere.url
        assert webhook.call(receiver.url, "msg_x", b"{}", None) == f"status {status}"
        assert elsewhere.got == []


def test_one_that_hangs_holds_up_nobody_else(receiver: Receiver, tmp_path: Path) -> None:
    receiver.hang.clear()
    with receiving() as other:
        run = Run(tmp_path, Target("job.done", url=receiver.url), Target("job.done", url=other.url))
        run.hooks.add(ended())
        run.hooks.add(ended(upload="two"))
        wait_for(lambda: len(other.got) == 2)
        assert receiver.answered == 0  # it hangs as before, and none of the above waited for it
        wait_for(lambda: run.hooks.drain(0) == 2)  # the receiver has it a moment before the delivery is over
        receiver.hang.set()
        run.hooks.close()


def test_one_that_hangs_is_given_up_after_a_while(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PATIENCE", 0.3)
    receiver.hang.clear()
    run = Run(tmp_path, Target("job.done", url=receiver.url))
    run.hooks.add(ended())
    wait_for(lambda: any("no answer" in one.message or "timed out" in one.message for one in run.events))
    assert run.hooks.drain(0) == 1
    receiver.hang.set()
    run.hooks.close()


def test_nobody_there(tmp_path: Path) -> None:
    error = webhook.call("http://127.0.0.1:1/x", "msg_x", b"{}", None)
    assert error is not None
    assert "refused" in error


def test_a_command_gets_all_in_its_environment_and_no_shell_reads_it(tmp_path: Path) -> None:
    script = "import os,sys; open(sys.argv[1],'a').write(os.environ['JOB_UPLOAD']+'|'+os.environ['JOB_CODE']+'|'+"
    script += "os.environ['JOB_EVENT']+'|'+sys.stdin.read())"
    told = tmp_path / "told $(touch evil); x"
    run = Run(tmp_path, Target("job.failed", command=(sys.executable, "-c", script, str(told))))
    bad = ended("failed").model_copy(update={"key": "$(touch evil);`id`'\"\n.mp4"})
    run.hooks.add(bad)
    assert run.hooks.drain(60) == 0
    name, code, event, body = told.read_text().split("|", 3)
    assert (name, code, event) == (bad.key, "source-empty", "job.failed")
    assert json.loads(body)["data"]["upload"] == bad.key


def test_a_command_that_fails_is_run_again(tmp_path: Path) -> None:
    script = "import pathlib,sys; p=pathlib.Path(sys.argv[1]); n=p.exists(); p.touch(); n or sys.exit('not yet')"
    run = Run(tmp_path, Target("job.done", command=(sys.executable, "-c", script, str(tmp_path / "mark"))))
    run.hooks.add(ended())
    wait_for(lambda: [event.kind for event in run.events] == ["hook.failed", "hook.called"])
    assert "exit status 1: not yet" in run.events[0].message
    assert (
        "no such"
        in (command_hook.run(("no-such-program",), "x", b'{"type":"","data":{}}', threading.Event()) or "").lower()
    )


def test_the_end_of_the_process_kills_a_command(tmp_path: Path) -> None:
    run = Run(tmp_path, Target("job.done", command=("sleep", "1000")))
    run.hooks.add(ended())
    wait_for(lambda: run.hooks._busy)
    run.hooks.close()
    wait_for(lambda: not run.hooks._busy)
    assert run.waiting() == 1


def test_what_nobody_confirms_for_days_is_given_up_and_kept(receiver: Receiver, tmp_path: Path) -> None:
    receiver.status = 500
    run = Run(tmp_path, Target("job.done", url=receiver.url))
    run.hooks.add(ended().model_copy(update={"ended": time.time() - 4 * 86_400}))
    assert run.hooks.drain(60) == 0
    (kept,) = (tmp_path / ".streamify-watch" / "undelivered").glob("*.json")
    assert json.loads(kept.read_text())["error"] == "status 500"


def test_a_call_whose_target_no_flag_names_any_more_is_kept_as_undelivered(receiver: Receiver, tmp_path: Path) -> None:
    receiver.status = 500
    run = Run(tmp_path, Target("job.done", url=receiver.url))
    run.hooks.add(ended())
    run.hooks.drain(60)
    run.hooks.close()
    other = Run(tmp_path, Target("job.done", url="https://example.invalid/"))
    assert other.waiting() == 0
    assert len(list((tmp_path / ".streamify-watch" / "undelivered").glob("*.json"))) == 1
    assert "no flag names" in other.events[0].message


@pytest.mark.parametrize(
    "text", ["", "ftp://x/y", "http://", "https:///x", "http://h:99999/", "exec:", "exec: ", "x.sh"]
)
def test_a_target_that_is_none(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_target(text, "job.done", "--on-done")
    assert raised.value.code == "hook-target"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@host:8443/x?token=1", "https://host:8443"),
        ("http://host?token=1", "http://host"),
        ("http://me:p@w@[::1]:80/x", "http://[::1]:80"),
    ],
)
def test_a_target_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert str(parse_target(url, "job.done", "")) == shown


def test_a_command_may_be_quoted() -> None:
    assert parse_target("exec:'/opt/my hook' --x 'a b'", "job.done", "").command == ("/opt/my hook", "--x", "a b")
