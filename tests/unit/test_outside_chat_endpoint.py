"""A chat endpoint over real HTTP: good answers, and every way in which the other side can fail."""

import asyncio
import sys
import time
from typing import Any

import httpx2
import pytest
from chat_server import Reply, chat_server, refused, said

from tunewright.contracts import Advance, ChatModel, SilentProgress
from tunewright.errors import RecipeError
from tunewright.outside.chat_endpoint import ChatEndpoint, EndpointLimits
from tunewright.records import Answer, Message

FAST = EndpointLimits(timeout_seconds=5, backoff_seconds=0.01, max_attempts=3)


def ask(*questions: str) -> list[tuple[Message, ...]]:
    return [(Message(role="system", content="Be brief."), Message(role="user", content=text)) for text in questions]


def silent() -> Advance:
    return SilentProgress().bar("", 0).__enter__()


def answer_of(reply: Reply | list[Reply], limits: EndpointLimits = FAST, key: str | None = None) -> tuple[Answer, int]:
    """The answer to one prompt, and how often the server was asked; of several replies the last one is for ever."""
    replies = reply if isinstance(reply, list) else [reply]
    with chat_server(lambda _, number: replies[min(number, len(replies)) - 1]) as server:
        (answer,) = ChatEndpoint(server.url, "m", key, limits=limits).answer(ask("Hi"), silent())
        return answer, len(server.requests)


def reason_of(reply: Reply | list[Reply], limits: EndpointLimits = FAST, key: str | None = None) -> str:
    answer, _ = answer_of(reply, limits, key)
    assert answer.finish == "failed"
    return str(answer.reason)


def test_answers_come_back_in_the_order_of_the_prompts() -> None:
    finished: list[int] = []
    questions = [str(number) for number in range(12)]

    def script(request: Any, number: int) -> Reply:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return said(f"answer to {request.question}")

    def advance(done: int = 1, note: str = "") -> None:
        finished.append(done)

    with chat_server(script) as server:
        model: ChatModel = ChatEndpoint(server.url, "small", limits=FAST)
        answers = model.answer(ask(*questions), advance)
    assert [answer.text for answer in answers] == [f"answer to {question}" for question in questions]
    expected = Answer(text="answer to 0", finish="stop", num_prompt_tokens=7, num_answer_tokens=3)
    assert answers[0].model_copy(update={"seconds": None}) == expected
    assert sum(finished) == 12


@pytest.mark.parametrize(("num_attempts", "seconds"), [(1, 10.0), (2, 20.0)])
def test_a_request_is_timed_from_when_it_is_sent_and_not_while_it_waits_for_our_others(
    num_attempts: int, seconds: float
) -> None:
    clock = [0.0]

    def ten_seconds_later(request: Any, number: int) -> Reply:
        clock[0] += 10
        return said("ok") if number % num_attempts == 0 else refused(503, "busy")

    one_at_a_time = EndpointLimits(num_parallel=1, backoff_seconds=0.01)
    with chat_server(ten_seconds_later) as server:
        model = ChatEndpoint(server.url, "m", limits=one_at_a_time, clock=lambda: clock[0])
        answers = model.answer(ask("a", "b", "c"), silent())
    assert clock[0] == 3 * seconds
    assert [answer.seconds for answer in answers] == [seconds] * 3


def test_the_request_is_that_of_a_greedy_chat_completion() -> None:
    with chat_server(lambda *_: said("Hello")) as server:
        ChatEndpoint(f"{server.url}/", "small", "sk-1", max_answer_tokens=50).answer(ask("Hi"), silent())
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == "Bearer sk-1"
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert request.body == {"model": "small", "messages": messages, "temperature": 0, "max_tokens": 50}


def test_without_a_key_nothing_is_authorised_and_a_full_address_stays_as_it_is() -> None:
    with chat_server(lambda *_: said("Hello")) as server:
        ChatEndpoint(f"{server.url}/chat/completions", "small").answer(ask("Hi"), silent())
    assert "Authorization" not in server.requests[0].headers
    assert server.requests[0].path == "/v1/chat/completions"


def test_no_prompts_are_no_requests() -> None:
    assert ChatEndpoint("http://localhost:1/v1", "m").answer([], silent()) == []


def test_an_answer_that_was_cut_off_says_so() -> None:
    assert answer_of(said("Once", finish="length"))[0].finish == "length"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (b'{"prompt_tokens": -1, "completion_tokens": 3}', (0, 3)),
        (b'{"prompt_tokens": 7, "completion_tokens": "-1"}', (7, 0)),
        (b'{"prompt_tokens": null}', (0, 0)),
        (b"null", (0, 0)),
    ],
)
def test_a_count_of_tokens_below_0_is_unknown_as_a_missing_one_is(usage: bytes, counts: tuple[int, int]) -> None:
    body = b'{"choices": [{"message": {"content": "Hello"}}], "usage": ' + usage + b"}"
    answer, _ = answer_of(Reply(body))
    assert (answer.text, answer.num_prompt_tokens, answer.num_answer_tokens) == ("Hello", *counts)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    answer, num_requests = answer_of([refused(status, "busy"), refused(status, "busy"), said("Hello")])
    assert (answer.text, num_requests) == ("Hello", 3)


def test_the_server_says_how_long_to_wait_up_to_a_limit() -> None:
    limits = EndpointLimits(backoff_seconds=30, max_wait_seconds=0.3, max_attempts=3)
    started_at = time.monotonic()
    answer, _ = answer_of(
        [refused(429, "", {"Retry-After": "0"}), refused(429, "", {"Retry-After": "9"}), said("ok")], limits
    )
    assert answer.text == "ok"
    assert 0.3 <= time.monotonic() - started_at < 20


def test_a_server_that_fails_for_ever_fails_the_row_with_its_words() -> None:
    reply = refused(500, "the model\n  is on fire")
    assert reason_of(reply) == "HTTP 500: the model is on fire (3 attempts)"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (refused(401, "Bad key"), "HTTP 401: Bad key"),
        (refused(400, "No such model", param="model"), "HTTP 400: No such model"),
        (Reply(b"<html>Not here</html>", 404), "HTTP 404: <html>Not here</html>"),
        (Reply(b"[" * 100_000, 404), "HTTP 404: " + "[" * 200),
        (Reply(b"", 302, {"Location": "http://127.0.0.1:1/"}), "HTTP 302"),
        (Reply(b'{"choices": [{"mess'), 'an answer that is no JSON: {"choices": [{"mess'),
        (Reply(b"[" * 100_000), "an answer that is no JSON: " + "[" * 200),
        (Reply(b'{"choices": []}'), 'an answer in another shape than a chat completion: {"choices": []}'),
        (Reply(b'["choices"]'), 'an answer in another shape than a chat completion: ["choices"]'),
        (Reply(b'{"choices": [{"message": {"content": null}}]}'), "an answer without text"),
        (said("I had", finish="content_filter"), "an answer that a filter of the endpoint has cut"),
        (
            Reply(rb'{"choices": [{"message": {"content": "\ud800"}}]}'),
            r'an answer in another shape than a chat completion: {"choices": [{"message": {"content": "\ud800"}}]}',
        ),
        (said("x" * 5000), "an answer of more than 4,000 bytes"),
    ],
    ids=range(13),
)
def test_what_would_end_the_same_way_is_not_tried_again(reply: Reply, reason: str) -> None:
    limits = EndpointLimits(timeout_seconds=5, max_answer_bytes=4000)
    if reply.status != 200 or reply.body.startswith(b"[["):
        limits = FAST
    answer, num_requests = answer_of(reply, limits)
    assert (answer.reason, num_requests) == (reason, 1)


def test_a_slow_answer_is_given_up_in_time() -> None:
    slow = EndpointLimits(timeout_seconds=0.1, backoff_seconds=0.01, max_attempts=2)
    started_at = time.monotonic()
    reply = Reply(said("late").body, delay_seconds=20)
    assert reason_of(reply, slow) == "no answer within 0.1 s (2 attempts)"
    assert time.monotonic() - started_at < 10


def test_a_connection_that_breaks_is_tried_again() -> None:
    cut = Reply(b'{"choices"', headers={"Content-Length": "500", "Connection": "close"})
    assert answer_of([cut, said("Hello")])[0].text == "Hello"
    assert reason_of(cut).startswith("RemoteProtocolError: ")


def test_a_server_that_is_not_there_fails_the_row() -> None:
    with chat_server(lambda *_: said("")) as server:
        gone = server.url
    (answer,) = ChatEndpoint(gone, "m", limits=FAST).answer(ask("Hi"), silent())
    assert str(answer.reason).startswith("ConnectError: ")


def test_one_bad_row_leaves_the_others_alone() -> None:
    with chat_server(lambda request, _: refused(400, "no") if request.question == "b" else said("yes")) as server:
        answers = ChatEndpoint(server.url, "m", limits=FAST).answer(ask("a", "b", "c"), silent())
    assert [answer.text for answer in answers] == ["yes", None, "yes"]


def test_the_key_is_in_no_reason() -> None:
    assert reason_of(refused(401, "Incorrect key: sk-secret"), key="sk-secret") == "HTTP 401: Incorrect key: [key]"


@pytest.mark.parametrize("num_before", range(170, 202, 4))
def test_no_part_of_the_key_is_left_where_the_words_of_the_server_are_cut(num_before: int) -> None:
    key, before = "sk-0123456789abcdefghij", "." * num_before
    shape = f'{{"choices": "{before}{key}"}}'.encode()
    for reply in (refused(401, before + key), Reply((before + key).encode(), 401), Reply(shape), Reply(shape[:-1])):
        reason = reason_of(reply, key=key)
        assert "sk-" not in reason
        assert len(reason) < 200 + len("an answer in another shape than a chat completion: ") + 1


def test_the_key_is_taken_out_of_an_error_of_the_connection_before_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise httpx2.LocalProtocolError("." * 190 + "sk-0123456789abcdefghij")

    monkeypatch.setattr(httpx2.AsyncClient, "stream", fail)
    (answer,) = ChatEndpoint("http://localhost:1/v1", "m", "sk-0123456789abcdefghij", limits=FAST).answer(
        ask("Hi"), silent()
    )
    assert answer.reason == f"LocalProtocolError: {'.' * 190}[key] (3 attempts)"


def test_settings_that_a_model_does_not_take_are_left_out_and_said() -> None:
    def script(request: Any, _: int) -> Reply:
        for setting in ("temperature", "max_tokens"):
            if setting in request.body:
                return refused(400, f"Unsupported: {setting}", param=setting, code="unsupported_parameter")
        return said(f"{request.body['max_completion_tokens']} tokens")

    with chat_server(script) as server:
        endpoint = ChatEndpoint(server.url, "thinker", limits=FAST)
        assert [answer.text for answer in endpoint.answer(ask(*"abcdef"), silent())] == ["1024 tokens"] * 6
    assert endpoint.notes == [
        "thinker takes no temperature; its answers may differ from call to call.",
        "thinker takes no max_tokens; max_completion_tokens was sent instead.",
    ]


def test_functions_are_not_sent() -> None:
    tools = '[{"type":"function","function":{"name":"weather"}}]'
    prompt = (Message(role="user", content="Warm?", tools=tools),)
    (answer,) = ChatEndpoint("http://localhost:1", "m").answer([prompt], silent())
    assert answer.reason == "the prompt declares or calls functions, which are not sent to an endpoint"


def test_it_answers_where_an_event_loop_runs_already_as_in_a_notebook() -> None:
    async def cell(url: str) -> list[Answer]:
        return ChatEndpoint(url, "m").answer(ask("Hi"), silent())

    with chat_server(lambda *_: said("Hello")) as server:
        assert [answer.text for answer in asyncio.run(cell(server.url))] == ["Hello"]


def test_leaving_the_loop_cancels_what_is_under_way() -> None:
    started_at = time.monotonic()
    with chat_server(
        lambda request, _: Reply(said("x").body, delay_seconds=0 if request.question == "a" else 20)
    ) as server:
        answers = ChatEndpoint(server.url, "m", limits=FAST).answer_each(ask(*"abcd"))
        assert next(answers)[0] == 0
        answers.close()
        assert time.monotonic() - started_at < 10


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/v1", "--endpoint: found 'ftp://host/v1', expected an http:// or https:// URL"),
        ("localhost", "--endpoint: found 'localhost', expected an http"),
        ("http://", "--endpoint: found 'http://', expected an http"),
        ("http://[::1", "--endpoint: found .*, expected the URL of a chat endpoint"),
        ("https://me:secret@host/v1", r"found a URL with a password.*--key-variable"),
        ("https://host/v1?key=secret", r"found a URL with a password, query"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_without_its_secrets(url: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as refusal:
        ChatEndpoint(url, "m")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "ALL_PROXY",
            "socks5://me:secret@127.0.0.1:9",
            r"ALL_PROXY: found a SOCKS proxy.*pip install 'httpx2\[socks\]'",
        ),
        (
            "https_proxy",
            "foo://me:secret@x:1",
            "https_proxy: found a proxy that cannot be one, expected an address that",
        ),
        ("HTTP_PROXY", "http://[::1", "HTTP_PROXY: found a proxy that cannot be one.* Correct or unset it"),
        ("SSL_CERT_FILE", "/none.pem", r"[(]SSL_CERT_FILE[)]: found No such file or directory, expected certificates"),
        ("SSL_CERT_FILE", __file__, r"[(]SSL_CERT_FILE[)]: found .*, expected certificates that can be read"),
    ],
    ids=range(5),
)
def test_a_proxy_or_certificates_that_cannot_be_used_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(RecipeError, match=message) as refusal:
        ChatEndpoint("https://api.example.org/v1", "m")
    assert "secret" not in str(refusal.value)
    ChatEndpoint("http://localhost:8000/v1", "m")  # what is on this machine needs neither


def test_a_refusal_names_the_proxy_that_is_none_among_several(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://proxy:3128")
    ChatEndpoint("https://api.example.org/v1", "m")
    monkeypatch.setenv("ALL_PROXY", "foo://x:1")
    with pytest.raises(RecipeError, match=r"^ALL_PROXY: found"):
        ChatEndpoint("https://api.example.org/v1", "m")


def test_a_refusal_names_the_setting_that_holds_the_address() -> None:
    with pytest.raises(RecipeError, match=r"judge\.url: found 'ftp://host/v1'"):
        ChatEndpoint("ftp://host/v1", "m", setting="judge.url")


@pytest.mark.parametrize("key", ["", " ", "two\nlines", "clé"])
def test_a_key_that_fits_no_header_is_refused_unseen(key: str) -> None:
    with pytest.raises(RecipeError, match="the key: found an empty text, or one with line breaks") as refusal:
        ChatEndpoint("http://localhost/v1", "m", key)
    assert "lines" not in str(refusal.value).replace("line breaks", "")


@pytest.mark.parametrize(
    ("url", "is_private"),
    [("http://localhost:8000/v1", True), ("https://api.example.org/v1", True), ("http://10.0.0.5:8000/v1", False)],
)
def test_whether_others_can_listen_is_known(url: str, is_private: bool) -> None:
    assert ChatEndpoint(url, "m").is_private == is_private
