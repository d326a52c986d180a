"""Thumbnails and poster of a stream that is being made: what exists, what manifests name, what pages are told."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clips.identity import read_id
from clips.joined_sound import ffmpeg
from e2e.test_images import film, pixels
from streamify.api import transcode
from streamify.backends.here import Here
from streamify.dest.layout import MASTER, MPD, POSTER_RECORD, REPORT, segment_key
from streamify.errors import DestinationError
from streamify.jobs.early import EarlyPublisher, withdraw
from streamify.jobs.early_images import EarlyImages, MadeImages
from streamify.jobs.images import forget_images
from streamify.jobs.live import LiveStream
from streamify.jobs.segments import borders
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.result import ImageResult
from streamify.model.settings import Settings
from streamify.model.task import PosterTask, SheetTask
from streamify.storage.base import Stores
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task

SEGMENTS = 14


class Alone:
    """A DEST that nobody else wants."""

    alone = True

    def beat(self) -> None: ...

    def check(self) -> None: ...


class Making:
    """A stream of which the first segments exist: a finished one without what is written at its end."""

    def __init__(self, dest: Path) -> None:
        self.dest, self.media = dest, LocalStorage(dest)
        plan = read_plan(self.media)
        assert plan is not None
        self.plan: Plan = plan
        self.starts = borders(plan, self.media)
        withdraw(self.media)
        forget_images(plan, self.media)
        for key in (MASTER, MPD, REPORT):
            self.media.delete(key)
        for path in dest.glob("poster/*"):
            path.unlink()

    def images(self, segments: int) -> EarlyImages:
        return EarlyImages(self.plan, self.media, self.starts, self._done(segments))

    def publisher(self, segments: int) -> EarlyPublisher:
        return EarlyPublisher(self.plan, self.media, Alone(), self._done(segments), local=False, clock=lambda: 0.0)

    def run(self, images: EarlyImages) -> list[str]:
        """Make what can be made; return the keys of the tasks."""
        tasks = list(images.tasks())
        for task in tasks:
            result = run_task(task, Stores(uploads=self.media, media=self.media))
            assert isinstance(result, ImageResult)
            images.made(result)
        return [task.key for task in tasks]

    def _done(self, segments: int) -> set[tuple[str, int]]:
        return {(track.id, index) for track in self.plan.tracks for index in range(segments)}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("early") / "a.mp4", SEGMENTS)


@pytest.fixture
def making(source: Path, tmp_path: Path) -> Making:
    transcode(source, tmp_path / "s", preset="ultrafast", thumbnails="0.1", segment_seconds=1, keyframe_seconds=1,
              engine="inline")  # fmt: skip
    return Making(tmp_path / "s")


def test_manifests_name_the_sheets_that_exist_and_that_the_pictures_reach(making: Making) -> None:
    """Sheets show 2.5 s each: of 6 segments of a second two can be made, and two are reached; of 5, too, exactly."""
    assert making.run(making.images(6))[:2] == ["image/thumbnails/00000", "image/thumbnails/00001"]
    publisher = making.publisher(4)  # sound and pictures are published as far as that
    publisher.look()
    publisher.close()
    master, mpd = ((making.dest / key).read_text() for key in (MASTER, MPD))
    [playlist] = re.findall(r'IMAGE-STREAM-INF:.*URI="(.+)"', master)
    folder = (making.dest / playlist).parent
    text = (folder / "playlist.m3u8").read_text()
    assert re.findall(r"^\d+\.jpg$", text, re.MULTILINE) == ["00000.jpg"]
    assert "EVENT" in text
    assert "ENDLIST" not in text
    named = re.findall(r"(\d+\.jpg)#", (folder / "storyboard.vtt").read_text())
    assert named == ["00000.jpg"] * 25
    [template] = ET.fromstring(mpd).findall(".//{*}AdaptationSet[@contentType='image']//{*}SegmentTemplate")
    [entry] = (one for one in template.iter() if one.tag.endswith("}S"))
    assert entry.get("r") == "0"
    assert Fraction(entry.get("d") or 0) / int(template.get("timescale") or 1) == Fraction(5, 2)
    assert sorted(path.name for path in folder.glob("*.jpg")) == ["00000.jpg", "00001.jpg"]
    withdraw(making.media)
    assert not [*folder.glob("*.vtt"), *folder.glob("*.m3u8")]


def test_what_is_made_early_is_not_made_again_and_has_the_bytes_of_the_end(making: Making, source: Path) -> None:
    early = making.images(6)
    making.run(early)
    sheets = {path: path.read_bytes() for path in making.dest.glob("thumbnails/*/*.jpg")}
    assert len(sheets) == 2
    times = {path: path.stat().st_mtime_ns for path in sheets}
    given: dict[str, Any] = {"preset": "ultrafast", "thumbnails": "0.1", "segment_seconds": 1, "keyframe_seconds": 1}
    whole = transcode(source, making.dest, engine="inline", **given)
    assert {path: path.stat().st_mtime_ns for path in sheets} == times
    other = transcode(source, making.dest.parent / "other", engine="inline", publish="final", **given)
    assert (whole.thumbnails, whole.poster) == (other.thumbnails, other.poster)


def test_a_poster_of_what_exists_is_chosen_until_the_whole_film_is_known(making: Making) -> None:
    images = making.images(1)
    assert making.run(images) == ["image/poster-00001"]
    assert making.run(images) == []
    found = MadeImages(making.plan, making.media)
    assert found.look()
    assert not found.look()
    assert found.poster is not None
    still = found.poster.stills[0]
    assert read_id(pixels(making.dest / still.key, size=(still.width, still.height))) == int(found.poster.at * 25)
    assert found.poster.at < 1
    assert (making.dest / str(found.told()["poster"])).exists()
    later = making.images(SEGMENTS)
    assert not [key for key in making.run(later) if "poster" in key]  # the end makes it, of all of the film


def test_a_poster_whose_time_was_given_is_made_with_its_segment(source: Path, tmp_path: Path) -> None:
    transcode(source, tmp_path / "s", preset="ultrafast", poster="3", thumbnails="off", segment_seconds=1,
              keyframe_seconds=1, engine="inline")  # fmt: skip
    making = Making(tmp_path / "s")
    assert making.run(making.images(3)) == []
    assert making.run(making.images(4)) == ["image/poster"]
    found = MadeImages(making.plan, making.media)
    found.look()
    assert found.poster is not None
    assert found.poster.at == 3
    assert making.run(making.images(4)) == []


def test_black_pictures_are_no_poster(tmp_path: Path) -> None:
    shot = "testsrc2=size=214x120:rate=25:duration=4[b];color=black:size=214x120:rate=25:duration=4[a];[a][b]concat"
    ffmpeg("-filter_complex", shot, "-c:v", "mpeg4", "-q:v", "3", "-g", "25", tmp_path / "a.mp4")
    transcode(tmp_path / "a.mp4", tmp_path / "s", preset="ultrafast", segment_seconds=1, keyframe_seconds=1,
              thumbnails="off", engine="inline")  # fmt: skip
    making = Making(tmp_path / "s")
    assert making.run(making.images(2)) == ["image/poster-00002"]
    assert not [*making.dest.glob("poster/*")]
    images = making.images(6)
    assert making.run(images) == ["image/poster-00006"]
    found = MadeImages(making.plan, making.media)
    found.look()
    assert found.poster is not None
    assert found.poster.at >= 4


def test_no_image_is_made_of_a_segment_that_is_not_what_its_worker_wrote(making: Making) -> None:
    tasks = list(making.images(3).tasks())
    assert [type(task) for task in tasks] == [SheetTask, PosterTask]
    for track in making.plan.video:
        path = making.dest / segment_key(track.folder, 1)
        path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    for task in tasks:
        with pytest.raises(DestinationError, match=r"00001\.m4s .*not what its worker wrote"):
            run_task(task, Stores(uploads=making.media, media=making.media))
    assert not (making.dest / POSTER_RECORD).exists()


def test_who_watches_while_it_is_made_is_offered_what_exists(making: Making) -> None:
    live = LiveStream()
    live.surveyed(making.plan, making.media, (), borders(making.plan, making.media))
    live.planned(making.plan, making.media, workers=2)
    assert b"IMAGE" not in (live.text(MASTER) or b"")
    making.run(making.images(6))
    live.imaged()
    board = making.plan.storyboard
    assert board is not None
    assert b"IMAGE-STREAM-INF" in (live.text(MASTER) or b"")
    assert (live.text(f"{board.folder}/playlist.m3u8") or b"").count(b".jpg") == 2
    told = live.snapshot(0)["images"]
    assert told["sheets"] == 2
    assert (making.dest / told["poster"]).exists()
    later = LiveStream()  # whose images were told of before its init segments were there
    later.surveyed(making.plan, making.media, (), borders(making.plan, making.media))
    later.imaged()
    later.planned(making.plan, making.media, workers=2)
    assert later.text(MASTER) == live.text(MASTER)
    assert later.snapshot(0)["images"] == told


def test_a_finished_stream_keeps_its_poster_until_the_one_that_replaces_it_is_complete(tmp_path: Path) -> None:
    """The other stream has another poster; nobody may see it beside the tracks of this one."""
    source = film(tmp_path / "a.mp4", 4)
    given: dict[str, Any] = {"preset": "ultrafast", "segment_seconds": 1, "keyframe_seconds": 1, "engine": "inline"}
    given |= {"thumbnails": "off"}
    transcode(source, tmp_path / "s", **given)
    events: list[Event] = []
    places = Location.of_source(str(source)), Location.of_dest(str(tmp_path / "s"))
    Here().play(*places, Settings.model_validate(given | {"crf": 30}), LiveStream(), events.append)
    begun = [event.task for event in events if event.kind == "task.started"]
    assert begun.count("image/poster") == 1
    assert not [key for key in begun if (key or "").startswith("image/poster-")]
