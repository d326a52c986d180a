"""Makes ``docs/images/player.png``: the page of ``streamify play``, in Chromium, beside a finished stream.

Run it with ``make pictures``; it needs Chromium, Node.js and the packages of ``tests/players``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "player.png"
STREAMIFY = [sys.executable, "-m", "streamify"]
_SHOT = "chromium-seeks-1100-light.png"


def main() -> None:
    """Make a stream, serve it, write the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "streamify.media.testcard", "video.mp4", "--seconds", "20"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*STREAMIFY, "-q", "transcode", "video.mp4", "stream"], cwd=folder, check=True)
        with subprocess.Popen(
            [*STREAMIFY, "play", "stream", "--no-open", "--json"], cwd=folder, stdout=subprocess.PIPE
        ) as server:
            assert server.stdout is not None
            try:
                url = json.loads(server.stdout.readline())["url"]
                drive = ["node", "site.mjs", url, "--do", "seeks", "--shots", str(folder)]
                seen = json.loads(subprocess.check_output(drive, cwd=ROOT / "tests" / "players"))
            finally:
                server.terminate()
        if "harness" in seen:
            raise SystemExit(f"the page did not play: {seen['harness']}")
        PICTURE.parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / _SHOT, PICTURE)
    sys.stdout.write(f"{PICTURE}: {PICTURE.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
