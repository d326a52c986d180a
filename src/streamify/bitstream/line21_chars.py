"""Characters of line 21 (CEA-608-E, tables 48 to 50 and annex A). Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

BASIC: Final = MappingProxyType(
    {
        0x27: "\u2019", 0x2A: "á", 0x5C: "é", 0x5E: "í", 0x5F: "ó", 0x60: "ú", 0x7B: "ç", 0x7C: "÷", 0x7D: "Ñ",
        0x7E: "ñ", 0x7F: "█",
    }
)  # fmt: skip
"""Those that are not as in ASCII."""
ALONE: Final = "\u00a0"
"""The transparent space."""
SPECIAL: Final = f"®°½¿™¢£♪à{ALONE}èâêîôû"
"""From 0x30 on behind 0x11."""
FRENCH: Final = "ÁÉÓÚÜü\u2018¡*\u2019—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»"
"""From 0x20 on behind 0x12: Spanish, French and others."""
GERMAN: Final = "ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤│ÅåØø┌┐└┘"
"""From 0x20 on behind 0x13: Portuguese, German and Danish."""
