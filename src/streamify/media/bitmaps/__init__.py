"""Bitmap subtitles of a source: read, and drawn into pictures."""
