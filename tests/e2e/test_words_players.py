"""Words as players show them: cues in `TextTrack`s of Chromium, at their times, in every language."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from clips.words import ENGLISH, HEBREW, JAPANESE, SDH, SIGNS, Line, subtitled
from players_harness import Browsers, Player, play
from selection import sample
from streamify.api import transcode

pytestmark = pytest.mark.players

NAMES = ["English", "עברית", "日本語", "English (forced)", "English (SDH)"]
LINES: list[list[Line]] = [ENGLISH, HEBREW, JAPANESE, SIGNS, SDH]


@pytest.fixture(scope="module")
def dest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    flags = ["0", "0", "0", "forced", "hearing_impaired"]
    languages = ["eng", "heb", "jpn", "eng", "eng"]
    film = subtitled(folder / "film.mkv", "srt", list(zip(LINES, languages, flags, strict=True)))
    transcode(film, folder / "dest", preset="ultrafast", thumbnails="off", poster="off")
    return folder / "dest"


def bare(text: str) -> str:
    return unescape(re.sub(r"</?[bi]>", "", text)).replace("\n", "")


@pytest.mark.parametrize("player", sample(["hlsjs", "shaka", "dashjs"]))
def test_every_cue_at_its_time(browsers: Browsers, dest: Path, player: Player) -> None:
    cues = [(name, len(lines)) for name, lines in zip(NAMES, LINES, strict=True)]
    # dash.js 5.2.1 fetches another file of words after a switch at times only, so that it plays with the first one.
    result = play(browsers, dest, player, "words", cues=cues, points=[0] if player == "dashjs" else [])
    assert result["problems"] == []
    shown, offered = ({one["name"]: one for one in result[key]} for key in ("words", "offered"))
    assert set(offered) == set(NAMES)
    assert set(shown) == set(NAMES[:1] if player == "dashjs" else NAMES)
    for name, lines in zip(NAMES, LINES, strict=True):
        if name not in shown:
            continue
        found = sorted(shown[name]["cues"], key=lambda cue: cue["startTime"])
        assert [bare(cue["text"]) for cue in found] == [bare(text) for _, _, text in lines]
        for cue, (start, end, _) in zip(found, lines, strict=True):
            assert (cue["startTime"], cue["endTime"]) == (
                pytest.approx(start, abs=0.002),
                pytest.approx(end, abs=0.002),
            )
        assert shown[name]["most"] == 1  # a cue over a join is in two segments, and shown once
    assert [offered[name]["lang"] for name in NAMES] == ["en", "he", "ja", "en", "en"]
    assert [offered[name]["forced"] for name in NAMES] == [False, False, False, True, False]
    assert [offered[name]["sdh"] for name in NAMES] == [False, False, False, False, True]
