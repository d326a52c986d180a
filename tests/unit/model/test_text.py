from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.model.text import clean


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ('The "best" one', "The \u201dbest\u201d one"),
        ("Director's cut", "Director\u2019s cut"),
        ("a\r\n#EXT-X-ENDLIST", "a #EXT-X-ENDLIST"),
        ("a\x00b\x1bc", "a b c"),
        ("\ufeff  x \u202etxt\u2028y", "x txt y"),
        ("e\u0301", "\u00e9"),
        ("\ud800\uffff", ""),
        ("日本語, 5.1", "日本語, 5.1"),
        ("x" * 300, "x" * 100),
    ],
)
def test_clean(name: str, safe: str) -> None:
    assert clean(name) == safe


@given(st.text())
def test_clean_text_is_safe_everywhere(name: str) -> None:
    safe = clean(name)
    assert not set(safe) & set("\"'\r\n")
    assert safe == unicodedata.normalize("NFC", safe) == safe.strip()
    element = ET.Element("Label")
    element.text = safe
    assert (ET.fromstring(ET.tostring(element, encoding="unicode")).text or "") == safe
    safe.encode()
