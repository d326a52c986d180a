"""Bad input: the right exit code, one line with a remedy, nothing half-published, nothing deleted."""

from __future__ import annotations

import io
import os
import random
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from clips.make import ClipSpec, make_clip
from e2e.driving import COMMAND, Ran, disk, media, published, verify
from e2e.driving import streamify as command
from selection import sample
from streamify.cli.group import run

FAST = ("--preset", "ultrafast", "--engine", "inline")
Cli = Callable[..., Ran]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command line in this process, in the folder of the test."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> Ran:
        code = run([str(one) for one in args])
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file that is fine, its index in front."""
    folder = tmp_path_factory.mktemp("good")
    made = make_clip(ClipSpec(seconds=Fraction(3), bframes=2), folder).path
    path = folder / "good.mp4"
    with av.open(str(made)) as source, av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        streams = {one.index: out.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


def judge(ran: Ran, code: int, error: str, *words: str) -> None:
    """One line: what, where, how to fix it, and where to read more."""
    assert ran.code == code, ran.err
    assert f"[{error}]; more: streamify error {error}, https://" in ran.line
    assert ran.err.count("\n") == 1, ran.err
    assert "(" in ran.line  # the remedy
    for word in words:
        assert word in ran.line, ran.line


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data


def no_frames(good: Path) -> bytes:
    """Return an MP4 whose video track has no samples: what a recorder leaves that was stopped at once."""
    path = good.with_name("no-frames.mp4")
    with av.open(str(good)) as source, av.open(str(path), "w") as out:
        out.add_stream_from_template(source.streams.video[0])
        out.start_encoding()
    return path.read_bytes()


def cut(share: float) -> Callable[[Path], bytes]:
    return lambda good: good.read_bytes()[: int(good.stat().st_size * share)]


def cut_matroska(good: Path) -> bytes:
    out = io.BytesIO()
    with av.open(good) as source, av.open(out, "w", format="matroska") as target:
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    data: bytes = out.getvalue()
    return data[: len(data) * 3 // 10]


def without_moov(good: Path) -> bytes:
    data = good.read_bytes()
    at = data.index(b"mdat") - 4
    return data[: struct.unpack_from(">I", data)[0]] + data[at:]


BAD: dict[str, tuple[str, str, Callable[[Path], bytes]]] = {
    "empty file": ("source-empty", "a.mp4", lambda _: b""),
    "text": ("source-not-media", "a.mp4", lambda _: b"Dear Sir or Madam,\n" * 50),
    "HTML": ("source-not-media", "a.mp4", lambda _: b"<!DOCTYPE html><html><body>404</body></html>"),
    "JSON": ("source-not-media", "a.mp4", lambda _: b'{"error": "no such upload"}'),
    "HLS playlist": ("source-not-media", "a.m3u8", lambda _: b"#EXTM3U\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n"),
    "HLS named mp4": ("source-not-media", "a.mp4", lambda _: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
    "DASH manifest": ("source-not-media", "a.mpd", lambda _: b'<?xml version="1.0"?><MPD><BaseURL>http://a/</BaseURL></MPD>'),
    "concat script": ("source-not-media", "a.mp4", lambda _: b"ffconcat version 1.0\nfile secret.mp4\n"),
    "SDP": ("source-not-media", "a.sdp", lambda _: b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
    "truncated": ("source-truncated", "a.mp4", cut(0.3)),
    "cut Matroska": ("source-truncated", "a.mkv", cut_matroska),
    "cut in the index": ("source-no-moov", "a.mp4", cut(0.02)),
    "no moov": ("source-no-moov", "a.mp4", without_moov),
    "noise": ("", "a.mp4", lambda _: random.Random(1).randbytes(300_000)),
    "noise with a header": ("", "a.mp4", lambda _: box(b"ftyp", b"isom" * 4) + random.Random(2).randbytes(100_000)),
    "zeros": ("", "a.mkv", lambda _: bytes(100_000)),
    "zero frames": ("", "a.mp4", no_frames),
    "a picture": ("", "a.jpg", lambda _: b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(2000)),
    "a zip": ("", "a.mp4", lambda _: b"PK\3\4\x14\0\0\0\x08\0" + random.Random(3).randbytes(5000)),
}  # fmt: skip


@pytest.mark.parametrize(
    "what",
    sample(
        BAD,
        "empty file",
        "text",
        "HLS named mp4",
        "concat script",
        "truncated",
        "no moov",
        "noise with a header",
        "zero frames",
        "a picture",
    ),
)
def test_sources_that_are_no_video(what: str, good: Path, tmp_path: Path, cli: Cli) -> None:
    error, name, make = BAD[what]
    source = tmp_path / name
    source.write_bytes(make(good))
    (tmp_path / "secret.mp4").write_bytes(good.read_bytes())
    before = tree(tmp_path)
    ran = cli("transcode", source, tmp_path / "dest", "--json", *FAST)
    assert ran.code == 3, ran.err
    document = ran.json["error"]
    assert document["message"]
    assert document["hint"]
    assert error in ("", document["code"])
    judge(ran, 3, document["code"])
    assert not (tmp_path / "dest").exists() or published(tmp_path / "dest") == []
    assert {name: data for name, data in tree(tmp_path).items() if not name.startswith("dest/")} == before


@pytest.mark.parametrize("missing", sample([20, 1000], 1000))
def test_what_is_almost_complete_goes_on_and_says_so(missing: int, good: Path, tmp_path: Path, cli: Cli) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(good.read_bytes()[:-missing])
    ran = cli("transcode", source, tmp_path / "dest", "--json", *FAST)
    assert ran.code == 0, ran.err
    said = [note["what"] for note in ran.json["notes"] if note["kind"] == "damaged"]
    assert any(f"at least {missing} of" in what for what in said), said
    assert verify(tmp_path / "dest", source).faults == ()
    judge(cli("plan", source, "--strict"), 3, "source-truncated", "--strict")


@pytest.mark.parametrize("seed", sample(range(6), 3))
def test_bit_rot_is_survived_or_refused_and_never_a_bug(seed: int, good: Path, tmp_path: Path) -> None:
    dice = random.Random(seed)
    data = bytearray(good.read_bytes())
    first = 0 if seed % 2 else data.index(b"mdat") + 8  # with and without the index
    for _ in range(dice.choice((20, 100))):
        data[dice.randrange(first, len(data))] = dice.randrange(256)
    source = tmp_path / "rot.mp4"
    source.write_bytes(data)
    ran = command("transcode", source, tmp_path / "dest", "--json", *FAST)
    if ran.code == 0:
        found = ran.json["certificate"]
        assert found["decoded"] + len(found["lost"]) == found["promised"]
        assert verify(tmp_path / "dest", source).faults == ()
    else:
        assert ran.code in (3, 4, 6), ran.err
        assert ran.json["error"]["code"]
        assert ran.line
        assert "internal-error" not in ran.err
        assert published(tmp_path / "dest") == []


@pytest.fixture
def powerless() -> tuple[str, ...]:
    """A prefix that takes from root what lets it read and write everything."""
    if os.geteuid() != 0:
        return ()
    prefix = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
    if (
        shutil.which("setpriv") is None
        or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("root reads everything here")
    return prefix


def test_unreadable_source(good: Path, powerless: tuple[str, ...], tmp_path: Path) -> None:
    source = tmp_path / "locked.mp4"
    shutil.copy(good, source)
    source.chmod(0)
    judge(command("transcode", source, tmp_path / "dest", prefix=powerless), 3, "source-unreadable", str(source))
    source.chmod(0o600)
    assert source.read_bytes() == good.read_bytes()


@pytest.mark.long
def test_source_in_a_locked_folder(good: Path, powerless: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    shutil.copy(good, folder / "a.mp4")
    folder.chmod(0)
    try:
        judge(command("probe", folder / "a.mp4", prefix=powerless), 3, "source-unreadable", "a.mp4")
        judge(command("transcode", good, folder / "a" / "b", prefix=powerless), 5, "dest-not-writable")
    finally:
        folder.chmod(0o700)


def test_dest_that_cannot_be_written(good: Path, powerless: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    judge(command("transcode", good, folder / "dest", prefix=powerless), 5, "dest-not-writable", str(folder))
    folder.chmod(0)
    ran = command("transcode", good, folder / "dest", prefix=powerless)
    folder.chmod(0o700)
    judge(ran, 5, "dest-not-writable")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["gone.mp4", "folder", "good.mp4/inside.mp4", "x" * 300 + ".mp4", "loop"])
def test_source_that_is_no_file(name: str, good: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copy(good, tmp_path / "good.mp4")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    ran = cli("transcode", name, "dest")
    assert ran.code == 3
    judge(ran, 3, "source-missing" if name in ("gone.mp4", "folder") else "source-unreadable", name[:40])
    assert not (tmp_path / "dest").exists()


def test_links_that_lead_nowhere(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "one.mp4").symlink_to("two.mp4")
    (tmp_path / "two.mp4").symlink_to("one.mp4")
    judge(cli("probe", "one.mp4"), 3, "source-unreadable", "one.mp4", "link to itself")


@pytest.mark.parametrize("kind", sample(["pipe", "socket", "device"], "pipe"))
def test_source_that_is_no_ordinary_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    if kind == "pipe":
        os.mkfifo(source)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(source))
    else:
        source = Path("/dev/zero")
    done = subprocess.run(
        [str(COMMAND), "transcode", str(source), str(tmp_path / "dest")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    judge(Ran(done.returncode, done.stdout, done.stderr), 3, "source-unreadable", str(source))


@pytest.mark.parametrize(("source", "error"), [("-", "source-stdin"), ("https://example.org/a.mp4", "source-url"),
                                               ("http://127.0.0.1:1/a.mp4", "source-url"), ("", "location-empty"),
                                               ("ftp://a/b.mp4", "source-url"), ("concat:a|b", None),
                                               ("file:a.mp4", None),
                                               ("s3://a", "location-url"), ("s3:///b", "location-url"),
                                               ("gs://a/b/../c", "location-url")])  # fmt: skip
def test_locations_that_are_no_path(source: str, error: str | None, tmp_path: Path, cli: Cli) -> None:
    ran = cli("transcode", source, tmp_path / "dest", "--json")
    if error is None:  # FFmpeg would take these for protocols; here they are names of files that do not exist
        judge(ran, 3, "source-missing")
    else:
        judge(ran, 2, error)
        assert ran.json["error"]["hint"]
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize("name", ["x" * 300, "loop/dest", "a/" * 3000 + "b"], ids=["long", "loop", "deep"])
def test_dest_that_cannot_be(name: str, good: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "loop").symlink_to("loop")
    judge(cli("transcode", good, name), 5, "dest-not-writable")


OCCUPIED: dict[str, tuple[str, str]] = {
    "the source itself": ("good.mp4", "dest-in-source"),
    "inside the source": ("good.mp4/out", "dest-in-source"),
    "the folder of the source": (".", "dest-occupied"),
    "somebody else's files": ("photos", "dest-occupied"),
    "a file": ("notes.txt", "dest-is-file"),
    "below a file": ("notes.txt/out", "dest-is-file"),
    "a link to the source": ("link.mp4", "dest-in-source"),
}


@pytest.mark.parametrize("what", OCCUPIED)
def test_dest_that_is_not_ours(what: str, good: Path, tmp_path: Path, cli: Cli) -> None:
    dest, error = OCCUPIED[what]
    shutil.copy(good, tmp_path / "good.mp4")
    (tmp_path / "link.mp4").symlink_to("good.mp4")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
    (tmp_path / "notes.txt").write_text("mine")
    before = tree(tmp_path)
    for flags in ((), ("--replace",)):
        ran = cli("transcode", "good.mp4", dest, *flags)
        judge(ran, 5, error)
        assert tree(tmp_path) == before


def test_dest_on_a_read_only_file_system(good: Path, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "ro,size=5m") as folder:
        judge(command("transcode", good, folder / "dest"), 5, "dest-not-writable", str(folder))


@pytest.mark.parametrize(
    ("ladder", "error"), [("1080p", "ladder-impossible"), ("1081p", "ladder-unknown"), ("720p,720p", "ladder-unknown"),
                          ("gone.yaml", "config-unreadable"), ("bad.yaml", "config-invalid"),
                          ("odd.yaml", "bad-setting")]
)  # fmt: skip
def test_impossible_ladders(ladder: str, error: str, good: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "bad.yaml").write_text("- name: [\n")
    (tmp_path / "odd.yaml").write_text("- {name: a, short_side: 121, maxrate: 100000}\n")
    ran = cli("transcode", good, "dest", "--ladder", ladder, "--json", *FAST)
    judge(ran, 2, error)
    assert ran.json["error"]["code"] == error
    assert published(tmp_path / "dest") == []


def test_too_little_disk(good: Path, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "size=64k") as folder:
        (folder / "mine").write_text("mine")
        ran = command("transcode", good, folder / "dest", *FAST)
        judge(ran, 5, "disk-too-small", "kB are free")
        assert (folder / "mine").read_text() == "mine"
        assert published(folder / "dest") == []


NAMES = ["a b.mp4", "été à Zürich.mp4", "%d%05d.mp4", "#1.mp4", "a&b;c.mp4", "-rf.mp4", "--help", "it's \"it\".mp4",
         "a\\b.mp4", "s3", "*.mp4", "a:b.mp4", "日本.mp4", "new\nline.mp4", "$HOME.mp4", "~", "..mp4",
         "a?b=c.mp4"]  # fmt: skip


@pytest.mark.parametrize(
    "name", sample(NAMES, "%d%05d.mp4", "#1.mp4", "-rf.mp4", "--help", "a:b.mp4", "日本.mp4", "new\nline.mp4", "~")
)
def test_odd_names_of_source_and_dest(name: str, good: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copy(good, tmp_path / name)
    dest = f"out {name}"
    ran = cli("transcode", *FAST, "--", f"./{name}" if name == "~" else name, dest)
    assert ran.code == 0, ran.err
    assert published(tmp_path / dest) == ["master.m3u8", "manifest.mpd", "report.json"]
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([name, dest])


@pytest.mark.long
@pytest.mark.parametrize("name", sample(["été #%d & co.mp4", "-rf.mp4"], "été #%d & co.mp4"))
def test_odd_names_pass_through_workers(name: str, good: Path, tmp_path: Path) -> None:
    shutil.copy(good, tmp_path / name)
    ran = command("transcode", "--preset", "ultrafast", "--", name, f"-{name}", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert command("verify", "--source", tmp_path / name, "--", f"-{name}", cwd=tmp_path).code == 0


def test_dest_with_a_leading_dash(good: Path, tmp_path: Path) -> None:
    ran = command("transcode", *FAST, "--", good, "-out", cwd=tmp_path)
    assert ran.code == 0
    assert "./-out" in ran.out  # the play command that it shows works
    assert media(tmp_path / "-out")


def test_a_stderr_that_cannot_be_written_does_not_end_the_job(clip: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [
            str(COMMAND),
            "transcode",
            str(clip),
            str(tmp_path / "out"),
            "--ladder",
            "240p",
            "--preset",
            "ultrafast",
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, timeout=100, check=False)
    assert done.returncode == 0
    assert (tmp_path / "out" / "report.json").exists()


@pytest.mark.parametrize("closed", sample(["2>&-", ">&-", ">&- 2>&-", "<&-"], ">&- 2>&-"))
def test_a_closed_stream_is_no_reason_to_fail(closed: str, good: Path, tmp_path: Path) -> None:
    line = f'"$0" transcode "$1" "$2" --preset ultrafast {closed}'
    for source, code in ((good, 0), (tmp_path / "gone.mp4", 3)):
        words = ["sh", "-c", line, str(COMMAND), str(source), str(tmp_path / "out")]
        done = subprocess.run(words, capture_output=True, timeout=100, check=False)
        assert done.returncode == code, done.stderr
    assert published(tmp_path / "out") == ["master.m3u8", "manifest.mpd", "report.json"]


@pytest.mark.parametrize("args", [("transcode", "CLIP", "/"), ("verify", "/"), ("status", "/"), ("play", "/")])
def test_the_root_is_no_stream(args: tuple[str, ...], clip: Path) -> None:
    ran = command(*(clip if one == "CLIP" else one for one in args))
    assert ran.code == 5
    assert ran.line


@pytest.mark.parametrize("crf", ["0", "0.99", "51.5", "nan"])
def test_a_crf_that_cannot_be_is_refused_before_any_work(crf: str, clip: Path, tmp_path: Path) -> None:
    ran = command("transcode", clip, tmp_path / "out", "--crf", crf)
    assert (ran.code, "[bad-setting]" in ran.line) == (2, True)
    assert not (tmp_path / "out").exists()


HELP = [("--help",), ("plan", "--help"), ("--version",), ("completion", "bash")]


@pytest.mark.parametrize("args", [("plan", "CLIP", "--json"), ("plan", "CLIP"), ("probe", "CLIP", "--json"), *HELP])
def test_a_stdout_that_cannot_be_written_is_one_line(args: tuple[str, ...], clip: Path) -> None:
    command = [str(COMMAND), *(str(clip) if one == "CLIP" else one for one in args)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (5, 1), done.stderr
    assert "cannot write to stdout" in done.stderr
