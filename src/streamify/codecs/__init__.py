"""Codecs of the output, one file each: what encoders, manifests and judges need to know of them. No FFmpeg here."""
