"""Judges of finished streams. They read media with FFmpeg, with other people's parsers, or with `isobmff`."""
