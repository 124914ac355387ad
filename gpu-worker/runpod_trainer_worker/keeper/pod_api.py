"""The few calls of RunPod's API that end a pod."""

from __future__ import annotations

import dataclasses
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Optional

from .. import __version__
from ..base.errors import WorkerError

USER_AGENT = f"runpod-trainer-worker/{__version__}"
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclasses.dataclass(frozen=True)
class ApiAnswer:
    """`status` is None when no answer came; `detail` is a short text for the log, `problem` whether the API itself spoke."""

    status: Optional[int]
    detail: str
    problem: bool = False

    @property
    def gone(self) -> bool:
        """The pod is ended or is about to be."""
        return self.status is not None and (200 <= self.status < 300 or (self.status == 404 and self.problem))

    @property
    def temporary(self) -> bool:
        """Another attempt may have another result."""
        # A 404 that is not the API's own is of something between: a proxy, an edge, an address that moved.
        stray = self.status == 404 and not self.problem
        return self.status is None or self.status == 429 or self.status >= 500 or stray


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to one host only."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or (paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath))):
        for bundle in _BUNDLES:
            if os.path.exists(bundle):
                context.load_verify_locations(bundle)
                break
        else:
            try:
                import pip._vendor.certifi as certifi

                context.load_verify_locations(certifi.where())
            except ImportError:
                pass
    return context


def check_address(rest_url: str) -> bool:
    """Whether this machine itself is meant; raises WorkerError for an address to which no key is sent."""
    parts = urllib.parse.urlsplit(rest_url)
    local = parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise WorkerError(
            "The API's address is not safe.",
            f"{rest_url} is not https.",
            "Correct the address in the settings of the client.",
        )
    return local


class PodApi:
    """Calls about one pod; the key is sent in a header to the given address and nowhere else."""

    def __init__(self, rest_url: str, pod_id: str, key: str, timeout: float) -> None:
        local = check_address(rest_url)
        self._pod = f"{rest_url.rstrip('/')}/pods/{urllib.parse.quote(pod_id, safe='')}"
        self._key = key
        self._timeout = timeout
        handlers: "list[urllib.request.BaseHandler]" = [_NoRedirect(), urllib.request.HTTPSHandler(context=_tls())]
        if local:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def action(self, name: str) -> ApiAnswer:
        """`start`, `stop` or `terminate`."""
        return self._call("POST", f"{self._pod}/action", {"action": name})

    def delete(self) -> ApiAnswer:
        """Terminates by DELETE."""
        return self._call("DELETE", self._pod, None)

    def _call(self, method: str, url: str, body: Optional[Any]) -> ApiAnswer:
        request = urllib.request.Request(url, method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        request.add_header("User-Agent", USER_AGENT)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return ApiAnswer(answer.status, f"{answer.status}")
        except urllib.error.HTTPError as problem:
            with problem:
                return self._explain(problem)
        except (OSError, ValueError, urllib.error.URLError) as problem:
            return ApiAnswer(None, self._hide(f"no answer: {getattr(problem, 'reason', problem)}"))
        except Exception as problem:  # http.client has errors that are none of the above
            return ApiAnswer(None, self._hide(f"no answer: {type(problem).__name__}"))

    def _explain(self, problem: urllib.error.HTTPError) -> ApiAnswer:
        try:
            text = problem.read(4096).decode("utf-8", "replace")
        except OSError:
            text = ""
        try:
            value = json.loads(text)
            said = [value.get(key) for key in ("detail", "title")] if isinstance(value, dict) else []
        except (ValueError, RecursionError):
            said = []
        # A client believes no other answer either (`src/core/runpod/answers.ts`).
        texts = [text for text in said if isinstance(text, str)]
        spoke, detail = bool(texts), next(filter(None, texts), "")
        return ApiAnswer(problem.code, self._hide(f"{problem.code} {detail[:200]}".strip()), spoke)

    def _hide(self, text: str) -> str:
        return text.replace(self._key, "[secret]")
