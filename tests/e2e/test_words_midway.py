"""Subtitles, captions and chapters of a stream while it is made: published early, and on demand; of a part as well."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

from clips.captioned import joined, read_back
from clips.worded import CHANNEL, CHAPTERS, LINES, RATE, SECONDS, worded
from clips.words import Line
from e2e.driving import job, media, playing, published, rungs, streamify, wait_for
from e2e.growing import Growing, Reader, reading
from e2e.halting import Halt
from e2e.test_words import read, said
from e2e.test_words_players import bare
from players_harness import Browsers, Player, play
from streamify.jobs.early import PATIENCE, EarlyPublisher
from streamify.model.result import TextResult
from streamify.model.words import TextRecord
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan

EARLY = ("--publish", "early", "--workers", "1")


class Part(NamedTuple):
    flags: tuple[str, ...]
    start: float
    """Of the first picture: `--from` means the first one at that time or later."""
    end: float

    def lines(self, language: str) -> list[Line]:
        """Return the lines of a language that are shown in the part, by its own clock."""
        shown = [line for line in LINES[language] if line[1] > self.start and line[0] < self.end]
        length = self.end - self.start
        return [(max(0, a - self.start), min(length, b - self.start), text) for a, b, text in shown]


WHOLE = Part((), 0, SECONDS)
CUT = Part(("--from", "2.21", "--to", "9.6"), 2.24, 9.6)
PARTS = {"whole": WHOLE, "cut": CUT}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worded(tmp_path_factory.mktemp("worded"))


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    ladder = tmp_path_factory.mktemp("ladder") / "small.yaml"
    ladder.write_text(json.dumps(rungs(90, 64)))
    return ["--ladder", ladder, "--segment-seconds", "1", "--keyframe-seconds", "1", "--poster", "off",
            "--caption-tracks", CHANNEL]  # fmt: skip


@pytest.fixture(params=["whole", pytest.param("cut", marks=pytest.mark.long)])
def part(request: pytest.FixtureRequest) -> Part:
    return PARTS[request.param]


@pytest.fixture(scope="module")
def finals() -> dict[str, Path]:
    return {}


@pytest.fixture
def final(
    film: Path, flags: list[object], part: Part, finals: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The stream as ``--publish final`` makes it."""
    key = str(part)
    if key not in finals:
        finals[key] = tmp_path_factory.mktemp("final") / "dest"
        ran = streamify("transcode", film, finals[key], *flags, *part.flags, "--publish", "final")
        assert ran.code == 0, ran.err
    return finals[key]


def texts(dest: Path) -> dict[str, bytes]:
    """Return all files of words and manifests by their names."""
    found = [
        path for path in dest.rglob("*") if path.suffix in (".m3u8", ".mpd", ".vtt") or path.name == "chapters.json"
    ]
    return {str(path.relative_to(dest)): path.read_bytes() for path in found if ".streamify" not in path.parts}


def subtitles(master: str) -> dict[str, str]:
    """Return the folders of the subtitles that a master playlist names, by language."""
    lines = [line for line in master.splitlines() if "TYPE=SUBTITLES" in line]
    found = [(re.findall(r'LANGUAGE="(\w+)"', line)[0], re.findall(r'URI="([^"]+)"', line)[0]) for line in lines]
    return {language: unquote(url).rpartition("/")[0] for language, url in found}


def cues(files: Sequence[Path]) -> list[tuple[str, str, str]]:
    """Return the cues of segments, each once: one over a join is in both."""
    return list(dict.fromkeys(cue for file in files for cue in read(file)))


def read_of(reader: Reader) -> bool:
    """Return whether a version of each playlist of subtitles has been read."""
    masters = reader.versions.get("master.m3u8", [])
    return bool(masters) and all(
        f"{folder}/playlist.m3u8" in reader.versions for folder in subtitles(masters[-1]).values()
    )


@pytest.mark.long
def test_each_version_of_what_grows_has_the_words_of_its_pictures(
    film: Path, flags: list[object], part: Part, final: Path, tmp_path: Path
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 0)
    line = (film, dest, *flags, *part.flags, *EARLY)
    with reading(dest) as reader, job(tmp_path / "events", *line, env=halt.env) as running:
        grows = Growing(dest, halt)
        grows.to(3)
        wait_for(lambda: reader.versions.get("manifest.mpd") and read_of(reader))
        grows.to_the_end()
        assert running.end().code == 0
    assert 'type="dynamic"' in reader.versions["manifest.mpd"][0]
    for master in reader.versions["master.m3u8"]:
        assert set(subtitles(master)) == set(LINES)  # players read it once
        assert 'CLOSED-CAPTIONS="captions"' in master
        assert 'URI="chapters.json"' in master
    for mpd in reader.versions["manifest.mpd"]:
        assert mpd.count('contentType="text"') == len(LINES)
    for language, folder in subtitles(reader.versions["master.m3u8"][0]).items():
        versions = reader.versions[f"{folder}/playlist.m3u8"]
        assert len(versions) > 1
        for text in versions:
            names = re.findall(r"^(?!#)(\S+)$", text, re.MULTILINE)
            end = sum(map(float, re.findall(r"#EXTINF:([\d.]+)", text)))
            assert cues([dest / folder / name for name in names]) == said(
                [line for line in part.lines(language) if line[0] < end - 1e-6]
            )
    assert texts(dest) == texts(final)
    assert media(dest) == media(final)


@pytest.mark.long
def test_what_viewers_ask_for_on_demand_is_that_of_the_finished_stream(
    film: Path, flags: list[object], part: Part, final: Path, tmp_path: Path
) -> None:
    """Before any of it was asked for in its turn: the words of the end, then those of the start."""
    dest = tmp_path / "dest"
    with playing(film, dest, *flags, *part.flags, "--workers", "1") as server:
        master, mpd = server.get("master.m3u8").decode(), server.get("manifest.mpd").decode()
        offered = subtitles(master)
        assert set(offered) == set(LINES)
        for language, folder in offered.items():
            names = re.findall(r"^(?!#)(\S+)$", server.get(f"{folder}/playlist.m3u8").decode(), re.MULTILINE)
            for name in (*reversed(names), "all.vtt", "playlist.m3u8"):
                assert server.get(f"{folder}/{name}") == (final / folder / name).read_bytes(), name
            assert f"{folder}/all.vtt" in mpd
            assert read(final / folder / "all.vtt") == said(part.lines(language))
        for name in ("chapters.json", "chapters.vtt"):
            assert server.get(name) == (final / name).read_bytes()
        assert 'CLOSED-CAPTIONS="captions"' in master
        low = server.tracks()[0]
        last = f"{low}/{len(names) - 1:05d}.m4s"
        assert server.get(last) == (final / last).read_bytes()
        wait_for(lambda: published(dest) == published(final))
        assert server.end() == 130
    assert texts(dest) == texts(final)
    assert media(dest) == media(final)


def test_captions_and_chapters_of_a_part(final: Path, part: Part, film: Path, tmp_path: Path) -> None:
    """As FFmpeg reads them: each picture of the part has the captions that it has in the film."""
    low = re.findall(r"^(video/\S+)/playlist.m3u8$", (final / "master.m3u8").read_text(), re.MULTILINE)[0]
    first, last = round(part.start * RATE), round(part.end * RATE)
    before = {round(time * RATE): triples for time, triples in read_back(film).items()}
    after = {round(time * RATE): triples for time, triples in read_back(joined(final, low, tmp_path / "a.mp4")).items()}
    assert after == {number - first: triples for number, triples in before.items() if first <= number < last}
    found: list[dict[str, Any]] = json.loads((final / "chapters.json").read_text())
    starts = [(max(0, start - part.start), title) for start, title in CHAPTERS]
    assert [(one["start-time"], one["titles"][0]["title"]) for one in found] == [
        (pytest.approx(start, abs=0.001), title) for start, title in starts
    ]


class Held:
    """A hold of DEST that nobody takes away."""

    alone = True

    def beat(self) -> None:
        pass

    def check(self) -> None:
        pass


@pytest.mark.parametrize("come", [True, False])
def test_the_first_version_waits_for_words_but_not_for_ever(
    film: Path, flags: list[object], final: Path, part: Part, tmp_path: Path, come: bool
) -> None:
    dest = Path(shutil.copytree(final, tmp_path / "dest"))
    for path in (*dest.rglob("*.m3u8"), dest / "manifest.mpd", dest / "report.json"):
        path.unlink()
    records = dest / ".streamify/text"
    records.rename(tmp_path / "records")
    media, now = LocalStorage(dest), 0.0
    plan = read_plan(media)
    assert plan is not None
    done = [(track.id, index) for track in plan.video for index in range(plan.segments - 1)]
    publisher = EarlyPublisher(plan, media, Held(), done, clock=lambda: now)
    publisher.look()
    now = PATIENCE - 0.1
    publisher.look()
    assert published(dest) == []
    if come:
        (tmp_path / "records").rename(records)
        found = [TextRecord.from_json(path.read_bytes()) for path in records.iterdir()]
        publisher.made(TextResult(key="text", records=tuple(found)))
    else:
        now = PATIENCE
    publisher.look()
    publisher.close()
    assert published(dest) == ["master.m3u8", "manifest.mpd"]
    assert set(subtitles((dest / "master.m3u8").read_text())) == (set(LINES) if come else set())


@pytest.mark.players
@pytest.mark.long
@pytest.mark.parametrize("player", ["hlsjs", "shaka"])
def test_players_show_the_words_of_what_grows(
    browsers: Browsers, film: Path, flags: list[object], tmp_path: Path, player: Player
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 0)
    with job(tmp_path / "events", film, dest, *flags, *EARLY, "--preset", "ultrafast", env=halt.env) as running:
        grows = Growing(dest, halt)
        grows.to(2)
        steps = (lambda: grows.to(6), grows.to_the_end)
        early = sum(start < 5 for start, _, _ in LINES["en"])
        result = play(browsers, dest, player, "reads", points=[0], cues=[early, len(LINES["en"])], rate=2, steps=steps,
                      length=SECONDS)  # fmt: skip
        assert running.end().code == 0
    assert result["problems"] == []
    assert result["grewTo"] < SECONDS - 1
    assert [bare(one["text"]) for one in result["cues"]] == [bare(text) for _, _, text in LINES["en"]]
    times = [time for start, end, _ in LINES["en"] for time in (start, end)]
    assert [time for one in result["cues"] for time in (one["startTime"], one["endTime"])] == pytest.approx(
        times, abs=0.002
    )


@pytest.mark.players
@pytest.mark.long
@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_the_page_shows_the_words_on_demand(
    browsers: Browsers, film: Path, flags: list[object], tmp_path: Path, browser: str
) -> None:
    """While it is made, each track in turn."""
    hidden = ["--hls", "none"] if browser == "chromium" else []
    counts = [len(lines) for lines in LINES.values()]
    with playing(film, tmp_path / "dest", *flags, "--workers", "1", "--preset", "slow") as server:
        reads = ["--browser", browser, *hidden, "--do", "reads", "--cues", ",".join(map(str, counts))]
        seen = browsers.run("use", [server.url, *reads], 150)
    assert "harness" not in seen, seen["harness"]
    assert (seen["console"], seen["network"]) == ([], [])
    assert [one["language"] for one in seen["reads"]["read"]] == list(LINES)
    for one, lines in zip(seen["reads"]["read"], LINES.values(), strict=True):
        assert [bare(text) for _, _, text in one["cues"]] == [bare(text) for _, _, text in lines]
        times = [time for start, end, _ in lines for time in (start, end)]
        assert [time for start, end, _ in one["cues"] for time in (start, end)] == pytest.approx(times, abs=0.002)
    assert [bare(text) for _, text in seen["reads"]["active"]] == [bare(text) for _, _, text in LINES["en"]]
