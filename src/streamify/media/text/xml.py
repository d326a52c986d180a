"""XML from outside, read as events: nothing is ever fetched, and no entity is expanded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from xml.parsers import expat

DEPTH = 64
"""Elements inside of each other at most."""

_HEAD = 100_000
"""Characters in which a document begins."""

Start = Callable[[str, dict[str, str], int], None]
"""Receives the name of an element and its attributes, as ``namespace name`` or ``name``, and the line."""


class XmlError(ValueError):
    """A text is not well-formed, or holds what is refused; the message says what, and in which line."""


def read_xml(text: str, start: Start, end: Callable[[str], None], words: Callable[[str], None]) -> None:
    """Read a document, up to the place where it breaks.

    A document type may be named; entities that it declares are refused (XML 1.0, 4.2), because small texts with them
    can stand for gigabytes, or for files of this machine. The encoding declaration is passed over: this is a text.

    Args:
        text: The document.
        start: Receives the start of each element.
        end: Receives the name of each element that ends.
        words: Receives text between them, in pieces.

    Raises:
        XmlError: It breaks off, is not well-formed, declares an entity, or is nested deeper than `DEPTH`.
    """
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH:
            raise XmlError(f"line {parser.CurrentLineNumber}: more than {DEPTH} elements inside of each other")
        start(name, attributes, parser.CurrentLineNumber)

    def finish(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name)

    def refuse(*_: object) -> int:
        raise XmlError(f"line {parser.CurrentLineNumber}: it declares an entity, which is refused")

    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    parser.CharacterDataHandler = words
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise XmlError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error


def root_of(text: str) -> str:
    """Return the name of the root element of a document, without its namespace; empty: it is no XML."""
    parser, found = expat.ParserCreate("utf-8", namespace_separator=" "), list[str]()

    def begin(name: str, _: dict[str, str]) -> None:
        found.append(name.rpartition(" ")[2])
        parser.StartElementHandler = None

    parser.StartElementHandler = begin
    with suppress(expat.ExpatError):  # behind the root element, or there is none
        parser.Parse(text[:_HEAD].encode("utf-8", "replace"))
    return found[0] if found else ""
