"""ISO base media files (ISO/IEC 14496-12), read and written by hand: boxes, sample tables, slices. No FFmpeg."""
