"""TTML documents as cues: TTML 1 and 2, IMSC text profile, EBU-TT-D, SMPTE-TT, DFXP (W3C TTML2; IMSC 1.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from streamify.media.text.ttml_paragraph import BREAK, Paragraph, Ruby, Run, Shown
from streamify.media.text.ttml_style import INHERITED, Props, Styles, is_hidden, lost_of, settings_of_region, style_of
from streamify.media.text.ttml_times import Clock
from streamify.media.text.xml import XmlError, read_xml
from streamify.model.cue import CUE_BYTES, CUES

_NAMESPACES = ("http://www.w3.org/ns/ttml", "http://www.w3.org/2006/10/ttaf1", "http://www.w3.org/2006/04/ttaf1")
_XML = "http://www.w3.org/XML/1998/namespace"
_STYLING = ("#styling", "#style", "urn:ebu:tt:style")
HEAD = 10_000
"""Styles and regions of a document at most."""
PROPERTIES = 200
"""Kinds of styling of a document at most; the standard has 60."""
WORK = 20_000_000
"""Spans at most, times the changes of their paragraphs, of a document."""


@dataclass
class Document:
    """What a document says."""

    shown: list[Shown] = field(default_factory=list)
    paragraphs: int = 0
    """That hold words."""
    untimed: list[int] = field(default_factory=list)
    """Lines of those whose times cannot be read."""
    unseen: list[int] = field(default_factory=list)
    """Lines of those that are never shown: outside of the times of what they are in, or hidden."""
    long: list[int] = field(default_factory=list)
    """Lines of those with more than `CUE_BYTES` characters."""
    beyond: int = 0
    """How many there are beyond `CUES`."""
    pictures: int = 0
    """Images that stand for words."""
    lost: Counter[str] = field(default_factory=Counter)
    """Styling that is not kept, with the number of paragraphs that have it."""
    broken: str | None = None
    """Why it was not read to its end."""


def read_ttml(text: str) -> Document:
    """Return what a document says, up to the place where it breaks."""
    reader = _Reader()
    try:
        read_xml(text, reader.start, reader.end, reader.words)
    except (XmlError, _RefusedError) as error:
        reader.found.broken = str(error)
    return reader.found


class _RefusedError(ValueError):
    """A document whose words cannot be placed on a film."""


@dataclass(frozen=True)
class _Attributes:
    plain: Mapping[str, str]
    """Without a namespace, or of XML itself."""
    props: Props
    parameters: Mapping[str, str]
    picture: bool
    """Whether an image stands for words (SMPTE ST 2052-1)."""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> _Attributes:
        plain, props, parameters, picture = dict[str, str](), dict[str, str](), dict[str, str](), False
        for name, value in given.items():
            space, _, tag = name.rpartition(" ")
            if space in ("", _XML):
                plain[tag] = value
            elif space.endswith(_STYLING):
                props[tag] = value.strip()
            elif space.endswith("#parameter"):
                parameters[tag] = value.strip()
            picture |= tag == "backgroundImage"
        return cls(plain, props, parameters, picture)


@dataclass
class _Frame:
    """An element that is open: the body, a div, a paragraph, a span."""

    begin: Fraction = Fraction(0)
    """Seconds."""
    end: Fraction | None = None
    sequential: bool = False
    timed: bool = True
    """Whether its times, and those of all that it is in, can be read."""
    last: Fraction | None = None
    """Where what is in it ends so far: the next one of a sequence begins there."""
    own: Props = field(default_factory=dict)
    computed: Props = field(default_factory=dict)
    region: str | None = None
    preserve: bool = False
    hidden: bool = False
    ruby: str = ""
    part: Ruby | None = None


class _Reader:
    """Takes a document as events; keeps no more of it than a paragraph and what the head says."""

    def __init__(self) -> None:
        self.found = Document()
        self._styles, self._clock = Styles(), Clock()
        self._root = _Frame()
        self._open: list[tuple[str, _Frame | None]] = []
        self._frames: list[_Frame] = [self._root]
        self._region = ""
        self._paragraph: Paragraph | None = None
        self._containers = self._work = 0
        self._properties = set[str]()
        self._programme: str | None = None

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        """Take the start of an element."""
        space, _, tag = name.rpartition(" ")
        frame = None
        if not space or space.startswith(_NAMESPACES):
            frame = self._own(tag, _Attributes.of(attributes), line)
        elif tag == "documentStartOfProgramme":
            self._programme = ""
        self._open.append((tag, frame))
        if frame is not None:
            self._frames.append(frame)

    def end(self, _: str) -> None:
        """Take its end."""
        tag, frame = self._open.pop()
        if tag == "documentStartOfProgramme" and self._programme is not None:
            try:
                self._root.begin = -self._clock.seconds(self._programme)
            except ValueError:
                self.found.lost["start of the programme"] += 1
            self._programme = None
        if frame is None:
            return
        self._frames.pop()
        ended = frame.end if frame.end is not None else frame.last if frame.last is not None else frame.begin
        parent = self._frames[-1]
        parent.last = ended if parent.sequential or parent.last is None else max(parent.last, ended)
        if tag == "p" and self._paragraph is not None:
            self._finish(self._paragraph, frame)
            self._paragraph = None

    def words(self, text: str) -> None:
        """Take words."""
        if self._programme is not None:
            self._programme += text
        elif self._open and self._open[-1][0] in ("p", "span"):
            self._add(text, preserve=self._frames[-1].preserve)

    def _own(self, tag: str, told: _Attributes, line: int) -> _Frame | None:
        self._properties |= told.props.keys()
        if len(self._properties) > PROPERTIES:
            raise _RefusedError(f"line {line}: more than {PROPERTIES} kinds of styling")
        match tag:
            case "tt":
                self._document(told)
            case "style":
                self._style(told)
            case "initial":
                self._styles.initial.update(told.props)
            case "region":
                self._region = told.plain.get("id", "")
                self._styles.regions[self._region] = told.plain.get("style", ""), told.props
                self.found.lost.update({"times of regions"} if {"begin", "end", "dur"} & told.plain.keys() else ())
            case "body" | "div" | "p" | "span":
                return self._content(tag, told, line)
            case "br":
                self._add(BREAK, preserve=True)
            case "set":
                self.found.lost["animation"] += 1
            case "image":
                self.found.pictures += len(self._frames) > 1
        if len(self._styles.named) + len(self._styles.regions) > HEAD:
            raise _RefusedError(f"line {line}: more than {HEAD} styles and regions")
        return None

    def _document(self, told: _Attributes) -> None:
        try:
            self._clock = Clock.of(told.parameters)
        except ValueError as error:
            raise _RefusedError(str(error)) from error
        self._root.preserve = told.plain.get("space") == "preserve"
        self._styles.size(told.props.get("extent", ""), told.parameters.get("cellResolution", ""))

    def _style(self, told: _Attributes) -> None:
        if self._open and self._open[-1][0] == "region":
            references, own = self._styles.regions[self._region]
            references = f"{references} {told.plain.get('style', '')}".strip()
            self._styles.regions[self._region] = references, {**own, **told.props}
        else:
            self._styles.named[told.plain.get("id", "")] = told.plain.get("style", ""), told.props

    def _content(self, tag: str, told: _Attributes, line: int) -> _Frame:
        parent = self._frames[-1]
        frame = self._timed(parent, told.plain)
        frame.own = self._styles.of(told.plain.get("style", ""), told.props)
        frame.region = told.plain.get("region", parent.region)
        frame.preserve = {"preserve": True, "default": False}.get(told.plain.get("space", ""), parent.preserve)
        under = parent.computed
        if tag == "p" or (tag == "span" and frame.region != parent.region):
            # A region is what all of its words inherit from (10.4.4.3).
            region = self._styles.region(frame.region) or self._styles.initial
            under = {**_inherited(region), **under}
        frame.computed = {**under, **_inherited(frame.own)}
        frame.hidden = parent.hidden or frame.own.get("display") == "none"
        self.found.pictures += told.picture
        if tag == "p" and self._paragraph is None:
            self._paragraph = Paragraph(line, frame.begin, frame.end)
        self._placed(frame, parent)
        return frame

    def _placed(self, frame: _Frame, parent: _Frame) -> None:
        """Set which part of a ruby container an element is."""
        frame.ruby, frame.part = frame.own.get("ruby", parent.ruby), parent.part
        if "ruby" not in frame.own:
            return
        if frame.ruby == "container":
            self._containers += 1
        elif frame.ruby in ("base", "text"):
            part = (self._paragraph.parts if self._paragraph is not None else 0) + 1
            if self._paragraph is not None:
                self._paragraph.parts = part
            frame.part = Ruby(self._containers, part, frame.ruby == "text")

    def _timed(self, parent: _Frame, told: Mapping[str, str]) -> _Frame:
        """Return the times of an element (12.2 to 12.4)."""
        after = parent.last if parent.sequential and parent.last is not None else parent.begin
        frame = _Frame(after, parent.end, told.get("timeContainer") == "seq", parent.timed)
        try:
            begin, end, length = (
                self._clock.seconds(told[name]) if name in told else None for name in ("begin", "end", "dur")
            )
        except ValueError:
            frame.timed = False
            return frame
        frame.begin = after + (begin or 0)
        ends = [one for one in (parent.end, None if end is None else after + end) if one is not None]
        ends += [frame.begin + length] if length is not None else []
        frame.end = min(ends) if ends else None
        return frame

    def _add(self, text: str, *, preserve: bool) -> None:
        paragraph, frame = self._paragraph, self._frames[-1]
        if paragraph is None:
            return
        paragraph.size += len(text.strip())
        if _is_long(paragraph) or frame.hidden or is_hidden(frame.computed) or frame.ruby == "delimiter":
            return
        paragraph.timed &= frame.timed
        paragraph.region = paragraph.region if paragraph.region is not None else frame.region
        paragraph.computed = paragraph.computed or frame.computed
        paragraph.lost |= lost_of([frame.own])
        run = Run(text, style_of(frame.computed), frame.begin, frame.end, preserve, frame.part)
        paragraph.runs.append(run)

    def _finish(self, paragraph: Paragraph, frame: _Frame) -> None:
        if not paragraph.size:
            return
        found, styles = self.found, self._styles
        found.paragraphs += 1
        if not frame.timed or not paragraph.timed:
            found.untimed.append(paragraph.line)
            return
        if _is_long(paragraph):
            found.long.append(paragraph.line)
            return
        if len(found.shown) > CUES:
            found.beyond += 1
            return
        self._work += paragraph.work
        if self._work > WORK:
            raise _RefusedError(f"line {paragraph.line}: its words change too often")
        region = styles.region(paragraph.region)
        found.lost.update(paragraph.lost | lost_of([*(one.own for one in self._frames), frame.own, region or {}]))
        props = {**paragraph.computed, **frame.own}
        states = list(paragraph.states())
        for start, end, text in states:
            settings = settings_of_region(region, props, styles, text.count("\n") + 1)
            found.shown.append(Shown(start, end, text, settings, found.paragraphs))
        if not states:
            found.unseen.append(paragraph.line)


def _is_long(paragraph: Paragraph) -> bool:
    return max(paragraph.size, len(paragraph.runs)) > CUE_BYTES


def _inherited(props: Props) -> Props:
    return {name: value for name, value in props.items() if name in INHERITED}
