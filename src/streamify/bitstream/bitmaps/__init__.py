"""Subtitles that are pictures: packets of PGS, VobSub and DVB in, palettes and pixels out. Pure."""
