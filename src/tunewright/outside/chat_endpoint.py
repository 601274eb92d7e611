"""A chat model behind an OpenAI-compatible HTTP endpoint, as the ChatModel of contracts.py.

    POST URL/chat/completions {"model": ..., "messages": [...], "temperature": 0, "max_tokens": ...}

Whatever the other side does ends in an Answer: a failed one carries the reason. The key comes as an argument, stands in
one header, and is taken out of every reason. Redirects are not followed, since they would carry prompts elsewhere.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from tunewright.contracts import Advance
from tunewright.errors import Problem, RecipeError
from tunewright.records import Answer, Message

if TYPE_CHECKING:
    import httpx2

PATH = "/chat/completions"
MAX_REASON = 200
"""Most characters of a server's own words that a reason repeats."""
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses below 500 that another attempt may get past."""


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """How long a request may take, how often it is tried, and how much may come back."""

    timeout_seconds: float = 120.0
    """For one attempt, from the connection to the last byte."""
    max_attempts: int = 5
    backoff_seconds: float = 1.0
    """Wait before the second attempt; doubled before each further one."""
    max_wait_seconds: float = 60.0
    """Longest wait between two attempts, whatever the server's Retry-After says."""
    max_answer_bytes: int = 4 * 2**20
    num_parallel: int = 4
    """Requests under way at once."""


class ChatEndpoint:
    """Asks one model at one address.

    Args:
        url: with the version, as in `http://localhost:8000/v1`.
        model: its name at the endpoint.
        key: sent as a bearer token; None for servers that want none.
        max_answer_tokens: room for one answer.
        limits: of time, attempts and bytes.
        setting: where the URL stands, for a refusal.
        clock: seconds, for tests.
    Raises:
        RecipeError: the URL cannot be an endpoint, the key cannot be sent in a header, or the machine's proxy or
            certificates cannot be used.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str | None = None,
        *,
        max_answer_tokens: int = 1024,
        limits: EndpointLimits | None = None,
        setting: str = "--endpoint",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = _completions_url(url, setting)
        self._is_local = self.url.host in _LOCAL_HOSTS
        self.model = model
        self.notes: list[str] = []
        """Settings that the model does not take and that were therefore left out, one sentence each."""
        self._key = _require_header(key)
        self._limits = limits or EndpointLimits()
        self._clock = clock
        self._settings: dict[str, float | int] = {"temperature": 0, "max_tokens": max_answer_tokens}
        self._require_client()

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        return self._is_local or self.url.scheme == "https"

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """Answer each prompt, in order; see contracts.ChatModel."""
        answers: dict[int, Answer] = {}
        for position, answer in self.answer_each(prompts):
            answers[position] = answer
            advance()
        return [answers[position] for position in range(len(prompts))]

    def answer_each(self, prompts: Sequence[Sequence[Message]]) -> Generator[tuple[int, Answer], None, None]:
        """Give answers as they come in, each with the position of its prompt.

        Closing the generator, or an error in the caller's loop, cancels the requests that are under way.
        """
        from anyio.from_thread import start_blocking_portal

        # The requests live on a loop in another thread: the caller's own may run one already, as in a notebook.
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(self._client()) as client:
            slots = asyncio.Semaphore(self._limits.num_parallel)
            positions: dict[Future[Answer], int] = {
                portal.start_task_soon(self._answer_one, client, slots, messages): position
                for position, messages in enumerate(prompts)
            }
            try:
                for future in as_completed(positions):
                    yield positions[future], future.result()
            finally:
                for future in positions:
                    future.cancel()

    def _client(self) -> "httpx2.AsyncClient":
        import httpx2

        # Compressed answers could be far larger than the bytes that are counted.
        headers = {"Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        # A proxy of the environment is for the world outside, not for a server on this machine.
        return httpx2.AsyncClient(headers=headers, timeout=None, trust_env=not self._is_local)

    def _require_client(self) -> None:
        # What is wrong with the machine's network is told here, and not hours later.
        import httpx2

        try:
            self._client()
        except OSError as error:
            found = error.strerror or str(error)
            fix = "Set SSL_CERT_FILE to a file of certificates in PEM format, or unset it."
            where = "the certificates of this machine (SSL_CERT_FILE)"
            raise RecipeError(Problem(where, found, "certificates that can be read", fix)) from None
        except ImportError:
            fix = "Install it (pip install 'httpx2[socks]'), or unset the variable."
            expected = "an HTTP proxy, or that package"
            raise RecipeError(Problem(_proxies(), "a SOCKS proxy without socksio", expected, fix)) from None
        except (ValueError, httpx2.InvalidURL):
            fix = "Correct or unset it."
            expected = "an address that begins with http://, https:// or socks5://"
            raise RecipeError(Problem(_proxies(), "a proxy that cannot be one", expected, fix)) from None

    async def _answer_one(
        self, client: "httpx2.AsyncClient", slots: asyncio.Semaphore, messages: Sequence[Message]
    ) -> Answer:
        if any(message.tools or message.tool_calls for message in messages):
            return _failed("the prompt declares or calls functions, which are not sent to an endpoint")
        async with slots:
            started = self._clock()  # not before: what waits here waits for our own other requests
            answer = await self._answer_at_last(client, messages)
            return answer.model_copy(update={"seconds": self._clock() - started})

    async def _answer_at_last(self, client: "httpx2.AsyncClient", messages: Sequence[Message]) -> Answer:
        num_attempts = 0
        while True:
            num_attempts += 1
            try:
                return await self._attempt(client, messages)
            except _AttemptFailedError as failure:
                if failure.is_final or num_attempts == self._limits.max_attempts:
                    tries = f" ({num_attempts} attempts)" if num_attempts > 1 else ""
                    return _failed(f"{self._reason(failure)}{tries}")
                await asyncio.sleep(self._wait_seconds(failure, num_attempts))

    def _wait_seconds(self, failure: "_AttemptFailedError", num_attempts: int) -> float:
        backoff = self._limits.backoff_seconds * 2 ** (num_attempts - 1)
        wanted = backoff if failure.wait_seconds is None else failure.wait_seconds
        return min(wanted, self._limits.max_wait_seconds)

    async def _attempt(self, client: "httpx2.AsyncClient", messages: Sequence[Message]) -> Answer:
        import httpx2

        sent = dict(self._settings)
        body = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            **sent,
        }
        try:
            async with asyncio.timeout(self._limits.timeout_seconds):
                async with client.stream("POST", self.url, json=body) as response:
                    received = await self._read(response)
        except TimeoutError:
            raise _AttemptFailedError(f"no answer within {self._limits.timeout_seconds:g} s") from None
        except httpx2.HTTPError as error:
            raise _AttemptFailedError(type(error).__name__, words=str(error)) from None
        if response.status_code == HTTPStatus.OK:
            return _read_answer(received)
        self._leave_out_refused(response.status_code, received, sent)
        wait = response.headers.get("Retry-After", "")
        raise _AttemptFailedError(
            f"HTTP {response.status_code}",
            words=_error_words(received),
            is_final=response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and response.status_code not in _PASSING,
            wait_seconds=float(wait) if wait.isascii() and wait.isdigit() else None,
        )

    async def _read(self, response: "httpx2.Response") -> bytes:
        received = bytearray()
        async for chunk in response.aiter_raw():
            received += chunk
            if len(received) > self._limits.max_answer_bytes:
                found = f"an answer of more than {self._limits.max_answer_bytes:,} bytes"
                raise _AttemptFailedError(found, is_final=True)
        return bytes(received)

    def _leave_out_refused(self, status: int, received: bytes, sent: dict[str, float | int]) -> None:
        """Go on without a setting that the model refuses, as reasoning models of OpenAI do.

        Raises:
            _AttemptFailedError: there was one, so that another attempt is worth it.
        """
        refused = _error_field(received, "param") if status == HTTPStatus.BAD_REQUEST else None
        if refused not in ("temperature", "max_tokens") or refused not in sent:
            return
        if refused in self._settings:  # a request that was under way may have found it out before
            value = self._settings.pop(refused)
            if refused == "max_tokens":
                self._settings["max_completion_tokens"] = value
                self.notes.append(f"{self.model} takes no max_tokens; max_completion_tokens was sent instead.")
            else:
                self.notes.append(f"{self.model} takes no temperature; its answers may differ from call to call.")
        raise _AttemptFailedError(f"HTTP {status}", words=_error_words(received), wait_seconds=0)

    def _reason(self, failure: "_AttemptFailedError") -> str:
        # The key first: of one that is cut in two, a part would stay.
        words = failure.words.replace(self._key, "[key]") if self._key else failure.words
        words = " ".join(words.split())[:MAX_REASON]
        return f"{failure}: {words}" if words else str(failure)


class _AttemptFailedError(Exception):
    """Why one attempt gave no answer.

    Args:
        reason: in our words.
        words: of the other side, as they came.
        is_final: whether another attempt would end the same way.
        wait_seconds: when the server wants to be asked again; None where it does not say.
    """

    def __init__(
        self, reason: str, *, words: str = "", is_final: bool = False, wait_seconds: float | None = None
    ) -> None:
        super().__init__(reason)
        self.words = words
        self.is_final = is_final
        self.wait_seconds = wait_seconds


def _failed(reason: str) -> Answer:
    return Answer(text=None, finish="failed", reason=reason)


def _completions_url(url: str, setting: str) -> "httpx2.URL":
    import httpx2

    fix = "Give it as in http://localhost:8000/v1 or https://api.openai.com/v1."
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise RecipeError(Problem(setting, str(error), "the URL of a chat endpoint", fix)) from None
    if parsed.userinfo or parsed.query or parsed.fragment:
        found = "a URL with a password, query or fragment"  # not repeated: it may hold a secret
        fix = "Leave it out; a key belongs in an environment variable (--key-variable, judge.key_variable)."
        raise RecipeError(Problem(setting, found, "an address alone", fix))
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise RecipeError(Problem(setting, repr(url), "an http:// or https:// URL", fix))
    base = url.rstrip("/")
    return httpx2.URL(base if base.endswith(PATH) else f"{base}{PATH}")


def _proxies() -> str:
    """The variables of the environment that hold a proxy of another kind than HTTP, else all that speak of one."""
    # Not their values: they may hold a password.
    found = {name: value for name, value in os.environ.items() if name.upper() in _PROXY_VARIABLES}
    others = [name for name, value in found.items() if "://" in value and not value.startswith("http")]
    return ", ".join(sorted(others or found)) or "the proxy of this machine"


def _require_header(key: str | None) -> str | None:
    key = key.strip() if key is not None else None
    if key is not None and not (key.isascii() and key.isprintable() and key):
        fix = "Set the variable to the key alone."
        raise RecipeError(Problem("the key", "an empty text, or one with line breaks or accents", "one word", fix))
    return key


def _read_answer(received: bytes) -> Answer:
    try:
        reply = json.loads(received)
    except (ValueError, RecursionError):
        raise _AttemptFailedError("an answer that is no JSON", words=_text(received), is_final=True) from None
    try:
        choice = reply["choices"][0]
        text = choice["message"]["content"]
        finish = "length" if choice.get("finish_reason") == "length" else "stop"
        if choice.get("finish_reason") == "content_filter":  # what was left out is not the model's answer
            raise _AttemptFailedError("an answer that a filter of the endpoint has cut", is_final=True)
        usage = reply.get("usage") or {}
        if not isinstance(text, str):
            raise _AttemptFailedError("an answer without text", is_final=True)
        text.encode("utf-8")  # half of a surrogate pair could not be written to any file
        answer = Answer.model_validate(
            {
                "text": text,
                "finish": finish,
                "num_prompt_tokens": usage.get("prompt_tokens") or 0,
                "num_answer_tokens": usage.get("completion_tokens") or 0,
            }
        )
        # Some servers write -1 for a count that they do not have.
        counts = {name: max(0, getattr(answer, name)) for name in ("num_prompt_tokens", "num_answer_tokens")}
        return answer.model_copy(update=counts)
    except (AttributeError, LookupError, TypeError, ValueError):
        found = "an answer in another shape than a chat completion"
        raise _AttemptFailedError(found, words=_text(received), is_final=True) from None


def _error_words(received: bytes) -> str:
    return _error_field(received, "message") or _text(received)


def _error_field(received: bytes, field: str) -> str | None:
    """A field of `{"error": {...}}`, if the server speaks that way."""
    try:
        value = json.loads(received)["error"][field]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def _text(received: bytes) -> str:
    return received.decode("utf-8", "replace")
