"""Publish a view of a stream: how far each track goes, and whether that is the end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from streamify.dest.layout import CHAPTERS, CHAPTERS_JSON, MASTER, MPD, iframes_key, playlist_key, storyboard_key
from streamify.manifests import chapters, dash, hls, images
from streamify.manifests.base import TrackManifest
from streamify.manifests.dash import Growing
from streamify.manifests.words import TextManifest
from streamify.model.caption import CaptionChannel
from streamify.model.chapter import Chapter
from streamify.model.images import StoryboardReport
from streamify.model.result import Blob
from streamify.model.track import AudioTrack, VideoTrack
from streamify.storage.base import Storage, sha256


@dataclass(frozen=True)
class StreamView:
    """What is published of a stream."""

    tracks: tuple[TrackManifest, ...]
    """Each as far as it is certified, video in ladder order."""
    target_duration: int
    """Of the plan, seconds."""
    duration: Fraction
    """Of the whole presentation, seconds."""
    growing: Growing | None = None
    """More segments follow; ``None``: these are all."""
    chapters: tuple[Chapter, ...] = ()
    """Of the stream."""
    thumbnails: StoryboardReport | None = None
    """Of the stream, those that are made."""
    captions: tuple[CaptionChannel, ...] = ()
    """Channels of captions inside the pictures."""
    words: tuple[TextManifest, ...] = ()
    """Subtitles, as far as pictures and sound are published."""
    subtitles: tuple[str, ...] | None = None
    """Ids of all tracks that `words` can come to have; ``None``: those that it has."""
    illustrated: bool = True
    """All thumbnails are made."""

    def texts(self) -> dict[str, str]:
        """Return all playlists and manifests by their keys, in the order in which they are to be written. Pure."""
        ended = self.growing is None
        texts: dict[str, str] = {}
        for track in self.tracks:
            folder = track.track.folder
            texts[playlist_key(folder)] = hls.media_playlist(track, self.target_duration, ended=ended)
            if isinstance(track.track, VideoTrack) and track.has_iframes:
                texts[iframes_key(folder)] = hls.iframe_playlist(track, self.target_duration, ended=ended)
        for words in self.words:
            key = playlist_key(words.track.folder)
            texts[key] = hls.words_playlist(words, self.target_duration, ended=ended)
        if self.chapters:
            texts[CHAPTERS] = chapters.webvtt(self.chapters)
            texts[CHAPTERS_JSON] = chapters.apple_json(self.chapters)
        if (board := self.thumbnails) is not None:
            texts[storyboard_key(board.folder)] = images.storyboard(board, self.duration)
            texts[playlist_key(board.folder)] = images.image_playlist(board, self.duration, ended=self.illustrated)
        return texts | self.manifests()

    def manifests(self) -> dict[str, str]:
        """Return the MPD and the master playlist, which name all tracks, by their keys. Pure."""
        videos = [track for track in self.tracks if isinstance(track.track, VideoTrack)]
        audios = [track for track in self.tracks if isinstance(track.track, AudioTrack)]
        names = CHAPTERS_JSON if self.chapters else None
        return {
            MPD: dash.mpd(
                videos,
                audios,
                self.duration,
                self.growing,
                self.chapters,
                self.thumbnails,
                self.captions,
                self.words,
                subtitles=self.subtitles,
                illustrated=self.illustrated,
            ),
            MASTER: hls.master(
                videos, audios, names, self.thumbnails, self.words, ended=self.growing is None, captions=self.captions
            ),
        }


def publish(view: StreamView, media: Storage) -> tuple[Blob, ...]:
    """Write all playlists and manifests, the master playlist last; return what was written."""
    blobs = []
    for key, text in view.texts().items():
        data = text.encode()
        media.put(key, data)
        blobs.append(Blob(key=key, size=len(data), sha256=sha256(data)))
    return tuple(blobs)
