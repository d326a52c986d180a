"""Who may read: the Host check, CORS, and the headers that every answer carries. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self' blob:; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
METHODS = "GET, HEAD, OPTIONS"
LONGEST_TARGET = 8192
"""Bytes of a request target."""


@dataclass(frozen=True)
class Access:
    """The policy of one server."""

    host: str
    """Address or name that it listens on."""
    allow_origin: str | None = None
    """Origin whose pages may read the stream, ``*`` for all. ``None``: without CORS headers no other page can, for a
    page that a user visits must not read what plays on their machine."""

    def trusts(self, authority: str) -> bool:
        """Return whether a Host header is an address or our own name.

        Any other name can be one that a stranger's DNS points at this machine (DNS rebinding).
        """
        if authority.startswith("[") and "]" in authority:
            name = authority[1:].partition("]")[0]
        else:
            name = authority.partition(":")[0]
        if name.lower() in ("localhost", self.host.lower()):
            return bool(name)
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def headers(self) -> dict[str, str]:
        """Return what every answer carries."""
        always = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": _CSP,
        }
        if not self.allow_origin:
            return always | {"Cross-Origin-Resource-Policy": "same-origin"}
        exposed = {"Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag", "Vary": "Origin"}
        return always | {"Access-Control-Allow-Origin": self.allow_origin} | exposed

    def options(self) -> dict[str, str]:
        """Return what the answer to OPTIONS, a CORS preflight, carries."""
        if not self.allow_origin:
            return {"Allow": METHODS}
        allowed = {"Access-Control-Allow-Methods": "GET, HEAD"}
        return {"Allow": METHODS} | allowed | {"Access-Control-Allow-Headers": "Range, If-None-Match, If-Range"}


class BadTarget(ValueError):
    """A request target that cannot be understood: answer 400."""


@dataclass(frozen=True)
class Target:
    """What a request target names."""

    path: str
    """Percent-decoded. Bytes that are no UTF-8 are surrogates, as in `os.fsdecode`."""
    authority: str | None = None
    """Host and port of the absolute form (RFC 9112, 3.2.2)."""

    @classmethod
    def parse(cls, raw: str) -> Target:
        """Return what a request target without its query means.

        Raises:
            BadTarget: It means nothing.
        """
        authority = None
        if raw.lower().startswith(("http://", "https://")):
            try:
                split = urlsplit(raw)
            except ValueError as error:
                raise BadTarget(str(error)) from error
            raw, authority = split.path or "/", split.netloc
        return cls(unquote(raw, errors="surrogateescape"), authority)


def viewer_of(peer: str, forwarded: str) -> str:
    """Return what tells viewers apart: the address of the client.

    A proxy on this machine or in its network names it as the last entry of X-Forwarded-For. A client there can claim
    any address, and gains no more than another place in the queue.

    Args:
        peer: Address of the other end of the connection.
        forwarded: X-Forwarded-For, empty where there is none.
    """
    named = forwarded.rpartition(",")[2].strip()
    try:
        return named if named and ipaddress.ip_address(peer).is_private else peer
    except ValueError:
        return peer


def parts_of(path: str) -> list[str] | None:
    """Return the parts of a path below the root, or ``None`` for one that names nothing: empty, hidden or odd."""
    first, *parts = path.split("/")
    if first or not parts or any(not part or part.startswith(".") or "\0" in part or "\\" in part for part in parts):
        return None
    return parts
