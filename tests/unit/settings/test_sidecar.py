"""Settings beside an upload: they go before those of the command, and a wrong one is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamify.errors import UsageError
from streamify.model.settings import Settings
from streamify.settings.read import effective, over
from streamify.settings.sidecar import LIMIT, from_sidecar

BASE = effective({"crf": "30", "ladder": "720p", "workers": "3"}, {}, None)


def read(text: str | bytes) -> Settings:
    data = text.encode() if isinstance(text, str) else text
    return over(BASE, from_sidecar(data, "a/film.mp4.streamify.yaml"))


def test_it_goes_before_flags_and_the_rest_stays(tmp_path: Path) -> None:
    found = read("crf: 18\nsegment-seconds: 4\nladder:\n  - {name: big, short_side: 480, maxrate: 1M}\n")
    assert (found.crf, int(found.segment_seconds), found.workers) == (18, 4, 3)
    assert [rung.name for rung in found.ladder if not isinstance(rung, str)] == ["big"]
    assert read("") == BASE.settings
    assert read("# nothing yet\n") == BASE.settings


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("crf: 20\npreset: [\n", "config-invalid", "a/film.mp4.streamify.yaml, line 3"),
        ("crf: 20\ncrf: 21\n", "config-invalid", "line 2"),
        ("crf: 20\n\npreset: quick\n", "bad-setting", "a/film.mp4.streamify.yaml, line 3: preset"),
        ("crf: nine\n", "bad-setting", "line 1: crf"),
        ("crf: 20\ncfr: 20\n", "unknown-setting", "line 2: there is no setting 'cfr'"),
        ("- crf\n", "config-invalid", "not a mapping"),
        ("crf: 20\nengine: aws\n", "sidecar-setting", "line 2: engine"),
        ("workers: 900\n", "sidecar-setting", "line 1: workers"),
        ("replace: true\n", "sidecar-setting", "line 1: replace"),
        ("crf: 20\nladder: /etc/passwd.yaml\n", "sidecar-setting", "line 2: ladder names a file"),
        ("ladder: &a [x, x]\npreset: *a\n", "config-invalid", "line 2"),
        (b"crf: \xff\n", "config-unreadable", "not UTF-8"),
        ("#" * (LIMIT + 1), "config-invalid", "65536"),
    ],
)
def test_a_wrong_one_is_refused_with_its_line(text: str | bytes, code: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(text)
    assert raised.value.code == code
    assert says in raised.value.message


def test_references_that_stand_for_gigabytes_cost_nothing() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(UsageError, match="refers to another value"):
        read("\n".join(lines))
