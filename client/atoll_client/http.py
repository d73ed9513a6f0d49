"""An Atoll site over HTTP, with the standard library alone."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import mimetypes
import os
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHUNK_BYTES = 2**16


class SiteError(Exception):
    """The site refused; the text is its own sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class MultipartBody:
    """A form with one file, read from disk while it is sent."""

    def __init__(
        self, fields: dict[str, str], file_field: str, path: Path, on_sent: Callable[[int, int], None]
    ) -> None:
        self._mark = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={self._mark}"
        head = "".join(self._part(name) + f"\r\n{value}\r\n" for name, value in fields.items())
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        file_head = self._part(f'{file_field}"; filename="{path.name}') + f"Content-Type: {kind}\r\n\r\n"
        self._before = (head + file_head).encode()
        self._after = f"\r\n--{self._mark}--\r\n".encode()
        self._path, self._on_sent = path, on_sent
        self.length = len(self._before) + os.path.getsize(path) + len(self._after)

    def _part(self, name: str) -> str:
        return f'--{self._mark}\r\nContent-Disposition: form-data; name="{name}"\r\n'

    def __iter__(self) -> Any:
        sent = len(self._before)
        yield self._before
        with self._path.open("rb") as source:
            for chunk in iter(lambda: source.read(CHUNK_BYTES), b""):
                sent += len(chunk)
                self._on_sent(sent, self.length)
                yield chunk
        yield self._after


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to object storage without showing the token there; remembers the ETag that the site named."""

    linked_etag = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the request to follow with."""
        self.linked_etag = headers.get("X-Linked-Etag", "")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            following.remove_header("Authorization")
        return following


class Site:
    """One Atoll site, as a person's program sees it."""

    def __init__(self, address: str, token: str = "", timeout_s: float = 120) -> None:
        self.address = address.rstrip("/")
        self.token = token
        self._timeout_s = timeout_s
        self._cookies = http.cookiejar.CookieJar()
        self._redirects = SafeRedirects()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies), self._redirects)

    def get(self, path: str) -> Any:
        """Return the JSON at an address of the API."""
        return json.loads(self._send("GET", path).read())

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send JSON; return the answer's JSON."""
        headers = {"Content-Type": "application/json"}
        return json.loads(self._send("POST", path, json.dumps(body).encode(), headers).read() or b"null")

    def put(self, path: str) -> Any:
        """Send an empty PUT; return the answer's JSON."""
        return json.loads(self._send("PUT", path, b"").read() or b"null")

    def upload(
        self,
        path: str,
        fields: dict[str, str],
        file: Path,
        on_sent: Callable[[int, int], None] = lambda sent, total: None,
    ) -> Any:
        """Send a form with a file, from disk; return the answer's JSON."""
        body = MultipartBody(fields, "file", file, on_sent)
        headers = {"Content-Type": body.content_type, "Content-Length": str(body.length)}
        return json.loads(self._send("POST", path, body, headers).read())

    def download(self, path: str, target: Path) -> str:
        """Bring a file to disk, going on where an earlier try stopped; return its SHA-256 as the site names it."""
        part = target.with_name(target.name + ".part")
        have = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        self._redirects.linked_etag = ""
        with (
            self._send("GET", path, None, headers) as answer,
            part.open("ab" if answer.status == 206 else "wb") as sink,
        ):
            for chunk in iter(lambda: answer.read(CHUNK_BYTES), b""):
                sink.write(chunk)
            etag = self._redirects.linked_etag or str(answer.headers["ETag"])
        part.replace(target)
        return etag.strip('"')

    def sign_up(self, username: str, password: str) -> None:
        """Make an account through the site's own page."""
        self._submit("/account/signup/", {"username": username, "email": "", "password1": password})

    def sign_in(self, username: str, password: str) -> None:
        """Come in through the site's own page."""
        self._submit("/account/login/", {"login": username, "password": password})

    @property
    def signed_in(self) -> bool:
        """Whether the site has given us a session."""
        return any(cookie.name == "sessionid" for cookie in self._cookies)

    def make_token(self, name: str, scopes: list[str]) -> str:
        """Have a token made for the signed-in person, and use it from now on."""
        self.token = str(self.post("/api/tokens", {"name": name, "scopes": scopes})["secret"])
        return self.token

    def _submit(self, path: str, fields: dict[str, str]) -> None:
        page = self._send("GET", path, None, {"Accept": "text/html"}).read().decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if not found:
            raise SiteError(500, f"The page {path} of {self.address} has no form.")
        form = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": found.group(1)}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": self.address + path}
        headers["Accept"] = "text/html"  # asked for JSON, the site's account pages answer without a form
        answer = self._send("POST", path, form, headers).read().decode()
        if not self.signed_in:
            raise SiteError(400, "; ".join(_errors_of(answer)) or "The site did not let us in.")

    def _send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        url = self.address + path
        if not url.startswith(("http://", "https://")):
            raise SiteError(0, f"{self.address} is no address of a site: it begins with http:// or https://.")
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})  # noqa: S310 - checked above
        if not request.has_header("Accept"):
            request.add_header("Accept", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        else:
            self._add_csrf(request)
        try:
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            raise SiteError(error.code, _sentence_of(error)) from error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise SiteError(0, f"{self.address} does not answer ({error}).") from error

    def _add_csrf(self, request: urllib.request.Request) -> None:
        for cookie in self._cookies:
            if cookie.name == "csrftoken" and cookie.value:
                request.add_header("X-CSRFToken", cookie.value)


def _sentence_of(error: urllib.error.HTTPError) -> str:
    body = error.read().decode(errors="replace")
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The site answered {error.code} {error.reason}."


def _errors_of(page: str) -> list[str]:
    lists = re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', page, flags=re.DOTALL)
    return [re.sub(r"<[^>]+>", " ", item).strip() for item in lists]
