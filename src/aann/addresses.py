"""Addresses that may hold secrets: reading them with their secrets, and showing them without.

The secrets are a user and a password before the host (``https://user:password@host``), which HTTP's basic
authentication sends, and what follows ``?`` or ``#``, such as a token.
"""

from __future__ import annotations

import base64
import re
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_HOST_AND_PATH = re.compile(r"[^:@/]*(:\d+)?(/[^:]*)?")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")


def shown(place: str) -> str:
    """Return a folder or URL as messages show it: with ``***`` for what may be secret, even if it is misspelt."""
    scheme, mark, rest = place.partition("://")
    if not mark:
        scheme, rest = "", place
    bare = re.split("[?#]", rest, maxsplit=1)[0] if mark else rest
    if "@" in rest and not _HOST_AND_PATH.fullmatch(bare):
        rest = f"***@{rest.rpartition('@')[2]}"
    return scheme + mark + (re.sub("[?#].*", "?***", rest, count=1, flags=re.DOTALL) if mark else rest)


def shown_in(text: str) -> str:
    """Return a text with all its URLs as messages show them."""
    return _ADDRESS.sub(lambda found: shown(found[0]), text)


def below(place: str, path: str) -> str:
    """Return ``path`` below a folder or URL; what follows ``?`` stays at the end."""
    end = re.search(r"[?#]", place) if place.lower().startswith(("http://", "https://")) else None
    folder, rest = (place[: end.start()], place[end.start() :]) if end else (place, "")
    return f"{folder.rstrip('/')}/{path}{rest}"


def read(place: str, most: int, seconds: float) -> bytes:
    """Return the content of a local file, or up to ``most`` bytes of what a http(s), ftp or file URL answers.

    Raises ``OSError``, ``ValueError`` or ``http.client.HTTPException``; its text may hold secrets.
    """
    if "://" not in place:
        return Path(place).expanduser().read_bytes()
    with urllib.request.build_opener(_Redirects).open(_request(place), timeout=seconds) as response:
        content: bytes = response.read(most)
    return content


def _request(address: str) -> urllib.request.Request:
    """Return a request of a URL, with its user and password in a header: urllib would take them for the host."""
    parts = urlsplit(address)
    secret, at, host = parts.netloc.rpartition("@")
    if parts.scheme not in ("http", "https"):
        return urllib.request.Request(address)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("is no URL; in a user and password, / ? # and @ are written %2F %3F %23 and %40") from None
    request = urllib.request.Request(parts._replace(netloc=host).geturl())
    if at:
        user, _, password = secret.partition(":")
        encoded = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {encoded}")
    return request


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects to the same host send the password again; others do not."""

    def redirect_request(self, request: urllib.request.Request, *arguments: Any) -> urllib.request.Request | None:
        """Return the request that follows a redirect."""
        following = super().redirect_request(request, *arguments)
        secret = request.unredirected_hdrs.get("Authorization")
        if following and secret and (following.type, following.host) == (request.type, request.host):
            following.add_unredirected_header("Authorization", secret)
        return following
