"""Everything that touches FFmpeg, through PyAV."""
