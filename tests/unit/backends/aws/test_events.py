"""What starts an execution, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from streamify.backends.aws.client.upload import upload_key
from streamify.backends.aws.events import is_command_upload, read_event, request_of, settings_of
from streamify.backends.aws.functions import handlers
from streamify.errors import UsageError
from streamify.jobs.locations import refuse_dest
from streamify.model.location import Location
from streamify.model.settings import Rung, Settings
from streamify.model.source import SourceRef


def arrived(key: str) -> dict[str, Any]:
    return {"detail-type": "Object Created", "detail": {"bucket": {"name": "raw"}, "object": {"key": key, "size": 1}}}


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        (upload_key(SourceRef(key="a.mov", size=1, version="1", identity="f" * 32)), True),
        ("a.mov", False),
        ("x/.streamify-uploads/a.mov", False),
        (".streamify-uploads", False),
    ],
)
def test_what_a_command_uploads_starts_nothing(key: str, ours: bool) -> None:
    assert is_command_upload(arrived(key)) is ours


def test_the_execution_that_such_an_upload_starts_ends_at_once() -> None:
    event = {"input": arrived(".streamify-uploads/0/a.mov"), "execution": "arn:1", "started": "2026-11-24T00:00:00Z"}
    assert handlers.split(event, None) == {
        "status": "duplicate",
        "reason": "the command that uploaded it starts an execution of its own",
        "job": {"source": "s3://raw/.streamify-uploads/0/a.mov", "dest": ""},
    }


def test_a_request_for_such_a_source_is_a_job() -> None:
    given = {"source": "s3://raw/.streamify-uploads/0/a.mov", "dest": "s3://media/a.mov"}
    assert not is_command_upload(given)
    assert read_event(given, "media", {}).source.url == given["source"]


def test_settings_arrive_as_they_were_given_but_for_where_the_job_runs() -> None:
    ladder = (Rung(name="300p", short_side=300, maxrate=500_000),)
    settings = Settings(engine="aws", stack="other", workers=3, segment_seconds="24/5", ladder=ladder, replace=True)  # type: ignore[arg-type]
    sent = request_of(Location.parse("s3://a/b"), Location.parse("s3://c/d"), settings).settings
    assert {"engine", "stack", "workers"}.isdisjoint(sent)
    request = read_event({"source": "s3://a/b", "dest": "s3://c/d", "settings": sent}, "c", {})
    assert settings_of(request) == settings.model_copy(update={"stack": "streamify", "workers": None})


@pytest.mark.parametrize(
    ("key", "dest"), [("/film.mov", "__/film.mov"), ("//film.mov", "__/__/film.mov"), ("a//film.mov", "a/__/film.mov")]
)
def test_an_upload_whose_key_has_empty_parts(key: str, dest: str) -> None:
    """``/film.mov`` was read as ``film.mov``, another object."""
    request = read_event(arrived(key), "media", {})
    assert (request.source.key, request.dest.url) == (key, f"s3://media/{dest}")


@pytest.mark.parametrize("key", ["a/./film.mov", "a/../film.mov", ".."])
def test_an_upload_whose_key_no_url_holds_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They ended the function."""
    monkeypatch.setenv("MEDIA_BUCKET", "media")
    event = {"input": arrived(key), "execution": "arn:1", "started": "2026-11-24T00:00:00Z"}
    answer = handlers.split(event, None)
    error = answer["error"]
    assert (answer["status"], error["code"], error["exit_code"]) == ("refused", "location-url", 2)
    assert answer["job"] == {"source": f"s3://raw/{key}", "dest": ""}
    assert f"'s3://raw/{key}' has '.', '..' or an empty last part" in error["cause"]
    assert "copy an object that is there: to s3://raw" in error["hint"]


@pytest.mark.parametrize("settings", ['{"laddr": "720p"}', '{"crf": 99}', '["720p"]', "720p"])
def test_settings_of_the_stack_that_cannot_be_used_are_the_operators_to_mend(
    settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every upload was refused, as if its sender could do something, without an alarm."""
    monkeypatch.setenv("MEDIA_BUCKET", "media")
    monkeypatch.setenv("SETTINGS", settings)
    event = {"input": arrived("a.mov"), "execution": "arn:1", "started": "2026-11-24T00:00:00Z"}
    answer = handlers.split(event, None)
    assert (answer["status"], answer["error"]["code"]) == ("failed", "aws-settings")


@pytest.mark.parametrize("character", ["\n", "\t", "\x01", "\x7f"])
def test_an_upload_whose_key_has_a_control_character_is_refused(
    character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They ended the function, with an alarm."""
    monkeypatch.setenv("MEDIA_BUCKET", "media")
    event = {"input": arrived(f"a{character}.mov"), "execution": "arn:1", "started": "2026-11-24T00:00:00Z"}
    answer = handlers.split(event, None)
    assert (answer["status"], answer["error"]["code"]) == ("refused", "location-url")
    assert character not in answer["error"]["cause"]


@pytest.mark.parametrize(
    "dest", [".streamify/turns/small/0", ".streamify/results/a.mov", "film.mov/.streamify/ledger/x", "a/.streamify"]
)
def test_a_stream_among_the_state_of_others_is_refused(dest: str) -> None:
    """An upload of such a name stood in the line of jobs, and no job of the stack got its turn any more."""
    with pytest.raises(UsageError) as told:
        refuse_dest(Location.parse(f"s3://media/{dest}"), Location.parse(f"s3://raw/{dest}"))
    assert told.value.code == "dest-reserved"
    refuse_dest(Location.parse("s3://media/a.streamify/b"), Location.parse("s3://raw/b"))


def test_an_upload_names_its_version_where_the_bucket_keeps_versions() -> None:
    event = arrived("a.mov")
    assert read_event(event, "media", {}).version is None
    event["detail"]["object"]["version-id"] = "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"
    assert read_event(event, "media", {}).version == "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"
    event["detail"]["object"]["version-id"] = "null"  # versions were switched off again: it is overwritten in place
    assert read_event(event, "media", {}).version is None


def test_an_upload_has_its_stream_below_its_own_key() -> None:
    request = read_event(arrived("a b/ü#1.mov"), "media", {})
    assert (request.source.url, request.dest.url) == ("s3://raw/a b/ü#1.mov", "s3://media/a b/ü#1.mov")
