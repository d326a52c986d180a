"""What the bytes of a packet hold, read by hand and without FFmpeg: coded pictures, their order and their fields."""
