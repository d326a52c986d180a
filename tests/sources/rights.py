"""What a careful professional would publish of each case: by hand, by ffprobe, by what the case was made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clips.corpus import CASES
from clips.shots import NEAR, match, shots, shown_times
from sources.hearing import heard, silent, tones
from streamify.model.report import Report

Check = Callable[[Report, Path], None]
"""Looks at a finished stream: the report, and the folder."""


@dataclass(frozen=True)
class Right:
    """What is right for a case."""

    frames: tuple[int, ...] = ()
    """How many pictures there may be; any number where none is given."""
    seconds: float | None = None
    """Length of the pictures, and of the sound."""
    sounds: int = 1
    rate: int | None = None
    """Pictures per second where they come at a constant rate, from 0 on."""
    within: float = 0.06
    """Seconds by which lengths may differ."""
    probed: bool = False
    """Whether ffprobe's times of the source are right, and are compared."""
    alike: bool = False
    """Whether FFmpeg gives the source's pictures as they must be shown: each once, in order."""
    again: tuple[int, ...] = ()
    """Numbers of pictures that show the one before them again, because a segment begins amid a pause."""
    noted: tuple[str, ...] = ()
    """What the notes name."""
    refused: tuple[str, ...] = ()
    """Codes with which it may be refused instead."""
    only_refused: bool = False
    incomplete: bool = False
    """Whether something is missing, so that `strict` refuses it."""
    check: Check | None = None

    def judge(self, source: Path, report: Report, dest: Path) -> None:
        """Assert that a stream is right."""
        assert not self.only_refused, "it was not refused"
        if not any(one.kind == "video" for one in report.tracks):
            self._judge_sound(report, dest)
            return
        (track,) = (one for one in report.tracks if one.kind == "video")
        assert not self.frames or track.frames in self.frames, f"{track.frames} pictures, not {self.frames}"
        if self.seconds is not None:
            assert abs(float(track.duration) - self.seconds) < self.within, f"{float(track.duration):.3f} s"
        sounds = [float(one.duration) for one in report.tracks if one.kind == "audio"]
        assert len(sounds) == self.sounds, f"{len(sounds)} sound tracks"
        assert all(abs(one - float(track.duration)) < 0.06 for one in sounds), f"sound of {sounds} s"
        playlist = dest / track.folder / "playlist.m3u8"
        if self.alike:
            ours = shots(playlist)
            assert all(float(np.abs(ours[at] - ours[at - 1]).mean()) < NEAR for at in self.again), "not shown again"
            found = match(np.delete(ours, self.again, axis=0), shots(source))
            pictures = range(track.frames - len(self.again))
            assert found.numbers == tuple(pictures), "other pictures than FFmpeg's, or in another order"
            assert found.worst < NEAR
        if self.rate is not None:
            times = shown_times(playlist)
            assert all(abs(time - at / self.rate) < 0.0011 for at, time in enumerate(times)), "pictures at other times"
        if self.probed:
            pairs = zip(shown_times(playlist), shown_times(source), strict=True)
            assert all(abs(ours - theirs) < 0.0011 for ours, theirs in pairs), "other times than ffprobe's"
        for text in self.noted:
            said = [note.what for note in report.notes]
            assert any(text.lower() in what.lower() for what in said), f"no note names {text!r}: {said}"
        if self.check is not None:
            self.check(report, dest)

    def _judge_sound(self, report: Report, dest: Path) -> None:
        """Assert that a stream without pictures is right."""
        assert len(report.tracks) == self.sounds
        if self.seconds is not None:
            assert abs(float(report.tracks[0].duration) - self.seconds) < self.within, "another length"
        if self.check is not None:
            self.check(report, dest)


def once(report: Report, dest: Path) -> None:
    """The pictures of the stretch that came twice are shown once."""
    (track,) = (one for one in report.tracks if one.kind == "video")
    theirs = shots(CASES / "dup_segment.ts")
    found = match(shots(dest / track.folder / "playlist.m3u8"), np.concatenate([theirs[:300], theirs[450:]]))
    assert found.numbers == tuple(range(450))
    assert found.worst < NEAR


def tone(hertz: float, seconds: float, then: float | None = None) -> Check:
    """Return a check that one tone is heard from start to end, or `then` in the second half."""

    def check(report: Report, dest: Path) -> None:
        found = [(time, pitch) for time, pitch in tones(heard(report, dest)) if 0.3 < time < seconds - 0.6]
        wanted = [hertz if then is None or time < seconds / 2 else then for time, _ in found]
        wrong = [one for one, pitch in zip(found, wanted, strict=True) if abs(one[1] - pitch) > pitch / 100]
        # A change of parameters may cost what lies between two units of the codec, and no more.
        assert len(found) > seconds * 3
        assert len(wrong) <= 2, f"not {hertz} Hz: {wrong[:5]}"

    return check


def audible(least: float) -> Check:
    """Return a check that sound is heard for so many seconds."""

    def check(report: Report, dest: Path) -> None:
        sound = heard(report, dest)
        assert float(sound.end) - silent(sound) > least, f"{silent(sound)} s of {float(sound.end):.1f} s are silent"

    return check


def joins_late(report: Report, dest: Path) -> None:
    """Silence up to second 12, then sound; nothing says that the stream is left out."""
    assert not any(note.kind == "dropped" and "stream 1 (" in note.what for note in report.notes)
    found = tones(heard(report, dest))
    assert all(not pitch for time, pitch in found if time < 11.5), "sound before second 12"
    assert all(pitch for time, pitch in found if 12.5 < time < 19.5), "silence behind second 12"


def largest(report: Report, dest: Path) -> None:
    """The picture of 640x360."""
    assert report.source.video is not None
    assert (report.source.video.width, report.source.video.height) == (640, 360)


def one_stereo(report: Report, dest: Path) -> None:
    """Nothing in the file says that the two are left and right: a note names the setting that joins them."""
    noted = [note.what + note.why for note in report.notes]
    assert any("audio-map" in text or "audio_map" in text for text in noted), noted


def short_segments(report: Report, dest: Path) -> None:
    """No segment is longer than the grid."""
    for track in report.tracks:
        longest = max(track.segments.duration) / track.timescale
        assert longest < 7, f"a segment of {longest:.0f} s"


def described(report: Report, dest: Path) -> None:
    """The description is marked as one in HLS and DASH."""
    assert "public.accessibility.describes-video" in (dest / "master.m3u8").read_text()
    assert "description" in (dest / "manifest.mpd").read_text()


def escaped(report: Report, dest: Path) -> None:
    """No escape sequence is written anywhere."""
    assert "\x1b" not in (dest / "master.m3u8").read_text() + (dest / "manifest.mpd").read_text()


RIGHTS: dict[str, Right] = {
    "h264_bframes.avi": Right((150,), 6, rate=25, alike=True, noted=("only those of decoding",)),
    "h264_bf.mxf": Right((150,), 6, 0, rate=25, alike=True, noted=("only those of decoding",)),
    "cat_reset.ts": Right((400,), 16, rate=25, alike=True, noted=("the clock starts anew at 8.000 s",)),
    "cat.webm": Right((250,), 10, rate=25, alike=True, noted=("the clock starts anew at 5.000 s",)),
    "dup_segment.ts": Right((450,), 18, rate=25, noted=("came before",), check=once),
    "jump_1h.ts": Right((250,), 10, rate=25, alike=True, noted=("the clock jumps ahead at 5.000 s",)),
    "pid_change.ts": Right((249, 250), 10, within=0.1, noted=("whose packets come long after",)),
    "paff_field.ts": Right((50, 100), 2),
    "sei_samples.mp4": Right((250,), 10, rate=25, alike=True, probed=True),
    "h264_sparse_pts.ts": Right((200,), 8, rate=25, alike=True),
    "vp8_res_to_portrait.webm": Right((200,), 8, 0, rate=25),
    "prog_then_interlaced.ts": Right((), 7, 0, within=0.1, noted=("interlaced",)),
    "one_picture_30s_audio.mp4": Right((), 30, within=0.1),
    "video_late.webm": Right((), 12, within=0.1),
    "ns_pause2.3.mkv": Right((101,), 6.28, 0, alike=True, again=(50,)),  # at 2 s, amid the pause (1.96 to 4.28)
    "pause_20min.mkv": Right((), 1200, within=0.2, check=short_segments),
    "ac3_51_to_stereo.ts": Right((), 8, 2, within=0.1, check=tone(440, 8)),
    "aac_48k_to_44k.ts": Right((), 8, within=0.1, check=tone(440, 8)),
    "stereo_then_mono.mp3": Right((), 6, within=0.2, check=tone(440, 6, then=880)),
    "jitter45.mkv": Right((), 20, within=0.1, check=audible(19)),
    "audio_joins_later.ts": Right((500,), 20, rate=25, check=joins_late),
    "LR_mono.mov": Right((), 4, 2, check=one_stereo),
    "two_programs.ts": Right((), 4, 1, check=largest),
    "chained.ogv": Right(refused=("segment-undecodable", "source-unreadable", "source-joined")),
    "mj.avi": Right((5,), 0.2, 0),
    "cc.ts": Right((), None, 0, noted=("captions",)),
    "alpha.webm": Right((25,), 1, 0, noted=("transparency",)),
    "bt2020sdr.mp4": Right((50,), 2, 0, noted=("2020",)),
    "ad.mkv": Right((), 3, 2, within=0.1, check=described),
    "drop1.mp4": Right((99,), 4, 0, alike=True, probed=True),
    "ffmpeg_mpeg4.avi": Right((75,), 3.04, alike=True, probed=True),
    "cut_f.ts": Right((55, 56), 3, alike=True, noted=("no pictures for 0.680 s at 1.280 s",), incomplete=True),
    "dropfrag.mp4": Right((50,), 3, alike=True, noted=("no pictures for 1.000 s at 1.000 s",), incomplete=True),
    "gap_86400.mp4": Right(only_refused=True, refused=("source-pause-too-long",)),
    "overlap_4M.mp4": Right(only_refused=True, refused=("source-claims-too-much",)),
    "cutoff_3000.mkv": Right(only_refused=True, refused=("source-unreadable", "source-truncated", "no-pictures")),
    "seek_eperm.mp4": Right(only_refused=True, refused=("source-unreadable", "source-no-moov", "no-pictures")),
    "late_audio.flv": Right((), None, 1, check=audible(10)),
    "transcode_seek_eperm.avi": Right((), None, 1, refused=("segment-undecodable", "too-many-lost", "pictures-lost")),
    "ansi.mkv": Right((25,), 1, 2, within=0.1, check=escaped),
}  # fmt: skip
"""All files of the cases."""
