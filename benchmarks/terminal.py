"""Makes ``docs/images/terminal.svg``: a real job on a real terminal, half way and at its end.

Run it on an idle machine: ``make pictures``.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from html import escape
from pathlib import Path

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "terminal.svg"
COLUMNS, ROWS = 84, 24
HALF = 55
"""Per cent of the work at which the first picture is taken."""
_PROMPT = "\x1b[32m$\x1b[0m streamify transcode video.mp4 stream/"
_COLOURS = {"1": "font-weight='bold'", "2": "opacity='0.45'", "32": "fill='#7ee787'", "33": "fill='#e3b341'"}
_LINE, _CELL, _MARGIN = 18.0, 7.8, 14.0


def main() -> None:
    """Run a job, write the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "streamify.media.testcard", "video.mp4", "--seconds", "40"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        shown = run(["streamify", "transcode", "video.mp4", "stream/"], folder)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(svg([[_PROMPT, *half_way(shown)], [_PROMPT, *at_the_end(shown)]]), "utf-8")
    sys.stdout.write(f"{PICTURE}: {PICTURE.stat().st_size} bytes\n")


def run(command: list[str], folder: Path) -> str:
    """Return all that `command` writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {
        "PATH": path,
        "TERM": "xterm-256color",
    }
    with subprocess.Popen(command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 1 << 16):
                shown += data
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(ours)
    if process.returncode:
        raise SystemExit(shown.decode())
    return shown.decode()


def half_way(shown: str) -> list[str]:
    """Return the display when about half of the work is done."""
    for drawn in shown.split("\r\x1b[J"):
        percent = re.search(r"(\d+)%", drawn)
        if percent is not None and int(percent[1]) >= HALF:
            return _lines(re.sub(r"\r(\x1b\[\d+A)?$", "", drawn))
    raise SystemExit("the job was too short to be shown half way")


def at_the_end(shown: str) -> list[str]:
    """Return what stays on the terminal."""
    return _lines(shown.rpartition("\x1b[?25h")[2])


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r") for line in text.strip("\r\n").split("\n")]


def svg(panels: list[list[str]]) -> str:
    """Return pictures of terminals, one above the other."""
    width = COLUMNS * _CELL + 2 * _MARGIN
    parts, top = [], 0.0
    for lines in panels:
        height = len(lines) * _LINE + 2 * _MARGIN
        parts.append(f"<rect y='{top:g}' width='{width:g}' height='{height:g}' rx='8' fill='#0d1117'/>")
        for number, line in enumerate(lines):
            y = top + _MARGIN + (number + 0.75) * _LINE
            parts.append(f"<text x='{_MARGIN:g}' y='{y:g}' xml:space='preserve'>{''.join(_spans(line))}</text>")
        top += height + _MARGIN
    fonts = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
    style = f"font-family='{fonts}' font-size='13' fill='#e6edf3'"
    view = f"viewBox='0 0 {width:g} {top - _MARGIN:g}' width='{width:g}'"
    body = "\n".join(parts)
    return f"<svg xmlns='http://www.w3.org/2000/svg' {view}>\n<g {style}>\n{body}\n</g>\n</svg>\n"


def _spans(line: str) -> Iterator[str]:
    column, style = 0, ""
    for code, text in re.findall(r"(?:\x1b\[(\d+)m)?([^\x1b]*)", line):
        style = _COLOURS.get(code, "") if code else style
        if text:
            x, length = _MARGIN + column * _CELL, len(text) * _CELL
            yield f"<tspan x='{x:g}' textLength='{length:g}' {style}>{escape(text)}</tspan>"
        column += len(text)


if __name__ == "__main__":
    main()
