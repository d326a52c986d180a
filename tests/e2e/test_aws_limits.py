"""The functions within Lambda's limits: memory, and a disk that is read-only but for a bounded /tmp.

Memory is capped by the kernel for the process that runs the handlers and for the one that decodes, and the peaks of
both together are compared with what the function has; the disk is capped by a mount namespace of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clips.joined_sound import ffmpeg
from clips.make import ClipSpec, make_clip
from clouds import Cloud, Kind
from stores import open_storage
from streamify.backends.aws.pricing.work import megabytes
from streamify.dest.layout import run_plan_key
from streamify.model.plan import Plan
from streamify.planning.estimate import video_memory

MEMORY = {"split": 3008, "transcode": 1769, "assemble": 3008}
"""MB, as in deploy/aws/template.yaml."""

READ_ONLY = """
set -e
mount --make-rprivate /
mount --bind / /mnt
mount -o remount,ro,bind /mnt
mount --rbind /dev /mnt/dev
mount -t proc proc /mnt/proc
mount -t tmpfs -o size=512m tmpfs /mnt/tmp
for one in "$@"; do
  shift
  case $one in --) break;; esac
  mkdir -p "/mnt$one"
  mount --bind "$one" "/mnt$one"
  mount -o remount,ro,bind "/mnt$one"
done
exec chroot /mnt "$@"
"""

PROGRAM = """
import json, pathlib, psutil, resource, sys
name, memory, event = sys.argv[1], int(sys.argv[2]) << 20, json.loads(sys.argv[3])
from streamify.backends.aws.functions import start as begin
from streamify.backends.aws.functions import handlers
begin._is_running = lambda *_: False
resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
for place in ("/var/task.txt", "/opt/a.txt", "/home/a.txt"):
    try:
        open(place, "w")
    except OSError:
        continue
    sys.exit(f"{place} can be written: this proves nothing")
answer = getattr(handlers, name)(event, None)
def most(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
peak = sum(map(most, ("self", *(one.pid for one in psutil.Process().children()))))  # the decoder is another process
print(json.dumps({"answer": answer, "peak": peak >> 20}))
"""


@pytest.fixture
def call(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Call a handler in a process of its own, within the limits; return its answer and its peak in MB."""
    allowed = subprocess.run(["unshare", "-m", "mount", "--make-rprivate", "/"], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip("a read-only disk needs the right to mount")
    cloud("s3").enter(monkeypatch)
    keep = [str(Path(streamify_root()).parent), sys.prefix, "--"]
    keep = [one for one in keep if one == "--" or one.startswith("/tmp")]  # else they lie below / already

    def run(name: str, event: dict[str, Any], memory: int = 0) -> Any:
        command = [sys.executable, "-c", PROGRAM, name, str(memory or MEMORY[name]), json.dumps(event)]
        done = subprocess.run(
            ["unshare", "-m", "bash", "-c", READ_ONLY, "bash", *keep, *command],
            env=os.environ | {"HOME": "/", "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "1"},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


def streamify_root() -> str:
    """Return where the package lies."""
    import streamify

    return str(Path(streamify.__file__).parent)


@pytest.mark.long
def test_all_functions_work_within_their_memory_and_write_nothing(
    call: Callable[..., Any],
    cloud: Callable[[Kind], Cloud],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    uploads, media = (cloud("s3").make_bucket(f"{name}-{uuid.uuid4().hex}") for name in ("raw", "media"))
    monkeypatch.setenv("MEDIA_BUCKET", media[5:])
    monkeypatch.setenv("SETTINGS", json.dumps({"ladder": "1080p,240p", "preset": "veryfast"}))
    film = make_clip(ClipSpec(seconds=Fraction(2), rate=Fraction(24), size=(1920, 1080), bframes=2), tmp_path)
    open_storage(uploads).put("a.mp4", film.path.read_bytes())
    request = {"source": f"{uploads}/a.mp4", "dest": f"{media}/a.mp4", "settings": {"ladder": "1080p,240p"}}
    arn = "arn:aws:states:us-east-1:0:execution:streamify:limits"
    found = call("split", {"input": request, "execution": arn, "started": "2026-11-24T10:00:00.123Z"})
    planned = found["answer"]
    assert planned["status"] == "planned"
    items = open_storage(f"s3://{planned['items']['bucket']}").get(planned["items"]["key"]) or b""
    peaks = []
    for line in items.splitlines():
        found = call("transcode", {"run": planned["run"], "item": json.loads(line)})
        assert found["answer"]["status"] == "done"
        peaks.append(found["peak"])
    assert 100 < max(peaks) < MEMORY["transcode"] / 2
    found = call("assemble", {"run": planned["run"], "prepared": planned["prepared"], "workers": 1})
    assert found["answer"]["status"] == "complete"


HDR = "format=yuv420p10,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
X265 = "log-level=error:colorprim=9:transfer=16:colormatrix=9:keyint=12"
PEAK = 1795
"""MiB that a 2160p film of 10 bits peaked at with preset medium (2026-11); 1.2 times as much with slow."""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_2160p_hdr_at_preset_slow_goes_to_a_function_that_has_the_memory(
    call: Callable[..., Any], cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Six pictures do not fill the look-ahead: a film peaks higher, and the prediction is above that too."""
    film = tmp_path / "hdr.mp4"
    picture = "testsrc2=size=3840x2160:rate=24:duration=0.25"
    ffmpeg("-f", "lavfi", "-i", picture, "-vf", HDR, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", X265,
           "-tag:v", "hvc1", film)  # fmt: skip
    uploads, media = (cloud("s3").make_bucket(f"{name}-{uuid.uuid4().hex}") for name in ("raw", "media"))
    monkeypatch.setenv("MEDIA_BUCKET", media[5:])
    open_storage(uploads).put("a.mp4", film.read_bytes())
    settings = {"ladder": "2160p", "preset": "slow", "thumbnails": "off", "poster": "off"}
    request = {"source": f"{uploads}/a.mp4", "dest": f"{media}/a.mp4", "settings": settings}
    arn = "arn:aws:states:us-east-1:0:execution:streamify:hdr"
    planned = call("split", {"input": request, "execution": arn, "started": "2026-11-24T10:00:00.123Z"})["answer"]
    assert planned["status"] == "planned", planned
    (line,) = (open_storage(f"s3://{planned['items']['bucket']}").get(planned["items"]["key"]) or b"").splitlines()
    item = json.loads(line)
    assert item["function"] == 1  # the first has 1,769 MB
    plan = Plan.from_json(open_storage(f"{media}/a.mp4").get(run_plan_key(planned["run"]["id"])) or b"")
    predicted = megabytes(video_memory(plan.source.video, plan.video))
    assert 1.2 * PEAK < predicted <= 3008
    found = call("transcode", {"run": planned["run"], "item": item}, 3008)
    assert found["answer"]["status"] == "done"
    assert found["peak"] < predicted
