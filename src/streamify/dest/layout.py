"""Every key and file name below DEST. Nothing else spells one. Pure.

Layout::

    master.m3u8  manifest.mpd  report.json
    chapters.vtt chapters.json  where the source has chapters
    poster/                     1920.jpg 1920.webp ..., by width; preview.webp
    thumbnails/ID/              sheets: 00000.jpg ..., playlist.m3u8 storyboard.vtt
    subtitles/ID/               playlist.m3u8 all.vtt  00000.vtt 00001.vtt ...
    video/ID/  audio/ID/        init.mp4  playlist.m3u8  iframes.m3u8  00000.m4s 00001.m4s ...
    .streamify/                 plan, ledger and other state; never served
"""

from __future__ import annotations

import re

MASTER = "master.m3u8"
MPD = "manifest.mpd"
REPORT = "report.json"
MANIFESTS = (MASTER, MPD)
"""Manifests of the whole stream; the playlists of single tracks lie in their folders."""

CHAPTERS = "chapters.vtt"
CHAPTERS_JSON = "chapters.json"
CHAPTER_FILES = (CHAPTERS, CHAPTERS_JSON)

THUMBNAILS = "thumbnails"
POSTER = "poster"
STORYBOARD = "storyboard.vtt"

SUBTITLES = "subtitles"
ALL_WORDS = "all.vtt"
"""Name of the file that holds all cues of a track of words."""

TRACK_FOLDERS = ("video", "audio", SUBTITLES, THUMBNAILS)
"""Folders that hold one folder per track each, by kind of track."""

INIT = "init.mp4"
PLAYLIST = "playlist.m3u8"
IFRAMES = "iframes.m3u8"

STATE = ".streamify"
PLAN = f"{STATE}/plan.json"
LEDGER = f"{STATE}/ledger"
LOUDNESS = f"{STATE}/loudness"
SHEETS = f"{STATE}/sheets"
TEXT = f"{STATE}/text"
TEXT_FILES = f"{STATE}/text-files"
"""Subtitle files and fonts that were given beside the source, by their hashes: tasks anywhere read them there."""
BURN = f"{STATE}/burn"
"""What is drawn into pictures, of subtitles: one folder for each stream of them, one file for some segments."""
POSTER_RECORD = f"{STATE}/poster.json"
PREVIEW = f"{POSTER}/preview.webp"
PREVIEW_RECORD = f"{STATE}/preview.json"
RUNS = f"{STATE}/runs"
"""One folder for each run of a job, by its id."""
LOCK = f"{STATE}/lock"
CLAIM = f"{STATE}/claim.json"
JOB = f"{STATE}/job.json"
CANCEL = f"{STATE}/cancel.json"
RETIRED = f"{STATE}/retired.json"
GROWING = f"{STATE}/growing.json"
"""What is announced of a stream that is published while it is made; not there once it is complete."""
DEMANDS = f"{STATE}/demands"
"""Segments that viewers of another process wait for."""
TURN_LEASES = f"{STATE}/turns/leases.json"
"""In the media bucket of a stack on AWS, at its top: the jobs that have workers."""
STATE_SUFFIXES = (".json", ".ndjson")
"""How the names of all files below STATE end but that of the lock; names of folders do not."""
DOCTOR = f"{STATE}/doctor-"
"""How the keys begin that `doctor` writes and removes."""

TOP = frozenset({STATE, *MANIFESTS, *CHAPTER_FILES, REPORT, POSTER, *TRACK_FOLDERS})
"""What a stream consists of at its top."""

SEGMENT_TEMPLATE = "$Number%05d$.m4s"
"""File names of segments as a DASH template (ISO/IEC 23009-1, 5.3.9.4.4)."""

_TRACK_ID = re.compile(r"[^/]+-[0-9a-f]{8}")
_BURN = re.compile(rf"{re.escape(BURN)}/([0-9a-f]{{16}})/\d{{5,}}\.json")
_POSTER = re.compile(rf"{POSTER}/(\d+\.(jpg|webp)|preview\.webp)")
_TRACK_FILE = re.compile(
    rf"(\d{{5,}}\.(m4s|jpg|vtt)|{'|'.join(map(re.escape, (INIT, PLAYLIST, IFRAMES, STORYBOARD, ALL_WORDS)))})"
)


def track_folder(kind: str, track: str) -> str:
    """Return the folder of a track, by its kind and id."""
    return f"{kind}/{track}"


def segment_name(index: int) -> str:
    """Return the file name of a segment inside its track's folder."""
    return f"{index:05d}.m4s"


def segment_key(folder: str, index: int) -> str:
    """Return the key of a segment's media file in a track's folder."""
    return f"{folder}/{segment_name(index)}"


def init_key(folder: str) -> str:
    """Return the key of a track's init segment."""
    return f"{folder}/{INIT}"


def playlist_key(folder: str) -> str:
    """Return the key of a track's media playlist."""
    return f"{folder}/{PLAYLIST}"


def iframes_key(folder: str) -> str:
    """Return the key of a video track's I-frame playlist."""
    return f"{folder}/{IFRAMES}"


def track_of(key: str) -> str | None:
    """Return the id of the track that a media file or playlist of ours belongs to; ``None`` for any other key."""
    parts = key.split("/")
    if len(parts) == 3 and parts[0] in TRACK_FOLDERS and _TRACK_FILE.fullmatch(parts[2]):
        return parts[1]
    return None


def streamify_track_of(key: str) -> str | None:
    """Return the id of the track that only Streamify can have made, to judge by the shape of a key; else ``None``."""
    track = track_of(key)
    return track if track is not None and _TRACK_ID.fullmatch(track) else None


def segment_index(key: str) -> int | None:
    """Return the number of the segment that a key of a track's folder names; ``None`` for any other key."""
    name = key.rsplit("/", 1)[-1]
    index = name.removesuffix(".m4s").removesuffix(".vtt")
    named = len(index) < 12 and index.isdecimal() and name in (segment_name(int(index)), words_name(int(index)))
    return int(index) if named else None


def thumbnails_folder(storyboard: str) -> str:
    """Return the folder of the sheets of thumbnails of a storyboard."""
    return track_folder(THUMBNAILS, storyboard)


def is_thumbnails(folder: str) -> bool:
    """Return whether a folder of a track is one of `thumbnails_folder`."""
    return folder.startswith(f"{THUMBNAILS}/")


def sheet_name(number: int) -> str:
    """Return the file name of a sheet of thumbnails."""
    return f"{number:05d}.jpg"


def sheet_key(folder: str, number: int) -> str:
    """Return the key of a sheet of thumbnails."""
    return f"{folder}/{sheet_name(number)}"


def storyboard_key(folder: str) -> str:
    """Return the key of the WebVTT file that says where in the sheets each thumbnail is."""
    return f"{folder}/{STORYBOARD}"


def poster_key(width: int, kind: str) -> str:
    """Return the key of a file of the poster; `kind`: ``jpg`` or ``webp``."""
    return f"{POSTER}/{width}.{kind}"


def is_poster(key: str) -> bool:
    """Return whether a key is that of a file of the poster, or of the preview."""
    return _POSTER.fullmatch(key) is not None


def sheet_record_folder(storyboard: str) -> str:
    """Return the folder of what is known of the sheets of a storyboard."""
    return f"{SHEETS}/{storyboard}"


def sheet_record_key(storyboard: str, number: int) -> str:
    """Return the key of what is known of a sheet of thumbnails."""
    return f"{sheet_record_folder(storyboard)}/{number:05d}.json"


def words_name(index: int) -> str:
    """Return the file name of a segment of a track of words."""
    return f"{index:05d}.vtt"


def words_key(folder: str, index: int) -> str:
    """Return the key of a segment of a track of words."""
    return f"{folder}/{words_name(index)}"


def all_words_key(folder: str) -> str:
    """Return the key of the file that holds all cues of a track of words."""
    return f"{folder}/{ALL_WORDS}"


def is_words(key: str) -> bool:
    """Return whether a key is that of a file of a track of words."""
    return key.startswith(f"{SUBTITLES}/") and key.endswith(".vtt")


def text_record_key(track: str) -> str:
    """Return the key of what is known of a track of words; it is there once all of the track is."""
    return f"{TEXT}/{track}.json"


def captions_part_key(track: str, part: int, parts: int) -> str:
    """Return the key of the captions that were read of a part of a film.

    Args:
        track: Id of the first track of captions.
        part: Which of the parts.
        parts: How many there are: parts of another division hold other segments.
    """
    return f"{TEXT}/{track}/{part:05d}-{parts:05d}.json"


def captions_part_folder(track: str) -> str:
    """Return the folder of the keys of `captions_part_key`."""
    return f"{TEXT}/{track}"


def text_track(key: str) -> str | None:
    """Return the id of the track whose record has a key of `text_record_key`; ``None`` for any other key."""
    track = key.removeprefix(f"{TEXT}/").removesuffix(".json")
    return track if key == text_record_key(track) and "/" not in track else None


def text_file_key(digest: str) -> str:
    """Return the key of a subtitle file or font that was given, by the SHA-256 of its bytes (hex)."""
    return f"{TEXT_FILES}/{digest}.json"


def burn_key(folder: str, part: int) -> str:
    """Return the key of what is drawn into the pictures of some segments."""
    return f"{BURN}/{folder}/{part:05d}.json"


def burn_folder(key: str) -> str | None:
    """Return the id of the folder of a key of `burn_key`; ``None`` for any other key."""
    found = _BURN.fullmatch(key)
    return found[1] if found is not None else None


def ledger_folder(track: str) -> str:
    """Return the folder of a track's ledger entries."""
    return f"{LEDGER}/{track}"


def ledger_key(track: str, segment: int) -> str:
    """Return the key of the ledger entry of one segment of a track."""
    return f"{ledger_folder(track)}/{segment:05d}.json"


def ledger_track(key: str) -> str:
    """Return the id of the track that a ledger entry belongs to."""
    return key.removeprefix(f"{LEDGER}/").split("/")[0]


def demand_key(track: str, segment: int) -> str:
    """Return the key that says that viewers wait for a segment."""
    return f"{DEMANDS}/{track}/{segment:05d}.json"


def demanded(key: str) -> tuple[str, int] | None:
    """Return the track and the segment of a key of `demand_key`; ``None`` for any other key."""
    track, _, name = key.removeprefix(f"{DEMANDS}/").partition("/")
    number = name.removesuffix(".json")
    return (track, int(number)) if len(number) < 12 and number.isdecimal() else None


def turn_line(*, small: bool) -> str:
    """Return the folder of the jobs on AWS that wait for workers, small ones apart."""
    return f"{STATE}/turns/{'small' if small else 'large'}"


def turn_key(started: str, run: str, *, small: bool) -> str:
    """Return the key of a job that waits; keys sort as the times at which the jobs started."""
    return f"{turn_line(small=small)}/{started.replace(':', '')}-{run}.json"


def loudness_key(track: str) -> str:
    """Return the key of what was measured of a track's loudness."""
    return f"{LOUDNESS}/{track}.json"


def loudness_folder(track: str) -> str:
    """Return the folder of what was measured of the pieces of a track."""
    return f"{LOUDNESS}/{track}"


def loudness_piece_key(track: str, segment: int) -> str:
    """Return the key of what was measured of the piece of a track that starts with a segment."""
    return f"{loudness_folder(track)}/{segment:05d}.json"


def segment_list_key(digest: str) -> str:
    """Return the key of a segment list, named by the SHA-256 of its bytes (hex)."""
    return f"{STATE}/segments-{digest[:16]}.ndjson"


def is_segment_list(key: str) -> bool:
    """Return whether a key is that of a segment list."""
    return re.fullmatch(rf"{re.escape(STATE)}/segments-[0-9a-f]{{16}}\.ndjson", key) is not None


def is_of_run(key: str) -> bool:
    """Return whether a key is of a single run: nothing of the stream needs it once the run is over."""
    return key.startswith(f"{RUNS}/")


def run_plan_key(run: str) -> str:
    """Return the key of the plan of one run of a job."""
    return f"{RUNS}/{run}/plan.json"


def run_items_key(run: str) -> str:
    """Return the key of the item list of a run; it is there once the plan of that run is."""
    return f"{RUNS}/{run}/items.ndjson"


def run_record_key(run: str) -> str:
    """Return the key of the record of a run."""
    return f"{RUNS}/{run}/run.json"


def run_of_record(key: str) -> str | None:
    """Return the id of the run whose record has a key; ``None`` for any other key."""
    run = key.removeprefix(f"{RUNS}/").partition("/")[0]
    return run if key == run_record_key(run) else None


def run_of_plan(key: str) -> str | None:
    """Return the id of the run whose plan has a key; ``None`` for any other key."""
    run = key.removeprefix(f"{RUNS}/").partition("/")[0]
    return run if key == run_plan_key(run) else None


def run_former_claim_key(run: str) -> str:
    """Return the key of the claim that a run which only removes what was replaced is to put back."""
    return f"{RUNS}/{run}/former-claim.json"


def run_attempts_key(run: str, batch: str) -> str:
    """Return the key of a file of attempts of a run, one JSON value a line."""
    return f"{run_attempts(run)}/{batch}.ndjson"


def run_attempts(run: str) -> str:
    """Return the folder of a run's attempts."""
    return f"{RUNS}/{run}/attempts"


def run_failures(run: str) -> str:
    """Return the folder of a run's failed tasks."""
    return f"{RUNS}/{run}/failed"


def run_failure_key(run: str, task: str) -> str:
    """Return the key of what is noted of a task that failed in a run."""
    return f"{run_failures(run)}/{task}.json"


def is_state(key: str) -> bool:
    """Return whether a key lies in the state folder, which nothing serves."""
    return key == STATE or key.startswith(f"{STATE}/")
