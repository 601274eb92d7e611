"""Placeholders keep the shape and are never taken for the real thing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.checks.personal import find_personal_data
from tunewright.data.checks.redact import email_placeholder, is_placeholder, placeholder
from tunewright.data.checks.row_finding import MAX_EXCERPT_CHARACTERS, excerpt, longest_first
from tunewright.data.checks.secrets import find_secrets


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("+1 (415) 555-0132", "+0 (000) 000-0000"),
        ("DE89 3704 0044 0532 0130 00", "XX00 0000 0000 0000 0000 00"),
        ("ghp_a1B2", "xxx_x0X0"),
        ("Zoë·王٣", "Xxx·x0"),
        ("4532276644577020", "1000000000000000"),
        ("4532 2766", "0000 0000"),
        (r"Ab1\nCd\\n2\/\"x\\", r"Xx0\nXx\\n0\/\"x\\"),
        (r"a\u002B\u0416\u00e9\u0667\ud83d", r"x\u002b\u0058\u0078\u0030\ud83d"),
        ("", ""),
    ],
)
def test_a_placeholder_keeps_length_separators_and_kinds_of_characters(value: str, expected: str) -> None:
    assert placeholder(value) == expected


def test_an_address_keeps_the_shape_of_its_name_and_moves_to_the_reserved_domain() -> None:
    assert email_placeholder("Ada.Lovelace42@gmail.com") == "Xxx.Xxxxxxxx00@example.com"
    assert email_placeholder("4711@gmail.com") == "1000@example.com"


def test_a_bare_number_in_json_stays_a_number() -> None:
    assert json.loads(f'{{"card": {placeholder("4532276644577020")}}}') == {"card": 10**15}


def test_a_private_key_in_json_is_replaced_and_the_json_still_parses() -> None:
    body = "\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEF+/=\n" * 3
    account = {"private_key": f"-----BEGIN PRIVATE KEY-----{body}-----END PRIVATE KEY-----\n"}
    for text in (json.dumps(account), json.dumps(account).replace("+", r"\u002B"), json.dumps(json.dumps(account))):
        (secret,) = find_secrets(text)
        redacted = text.replace(secret.text, placeholder(secret.text))
        decoded = json.loads(redacted)
        decoded = json.loads(decoded) if isinstance(decoded, str) else decoded
        assert decoded["private_key"].splitlines()[1] == "XXXXxXXXXXXXXxxxxxxX0x0XXXXX+/="
        assert "MIIE" not in redacted
        assert find_secrets(redacted) == ()


@given(st.text(max_size=40) | st.text('\\nuU0aF1"', max_size=20))
def test_every_placeholder_is_recognised_and_stable(value: str) -> None:
    shape = placeholder(value)
    assert is_placeholder(shape)
    assert placeholder(shape) == shape
    assert len(shape) == len(value)


@pytest.mark.parametrize(
    "value",
    [
        "ada@mail.de",
        "DE89 3704 0044 0532 0130 00",
        "4532 2766 4457 7020",
        "4532276644577020",
        "531-21-7351",
        "58.74.121.78",
        "2a00:1450:4001:81b::200e",
        "+44 20 7946 0958",
        "(212) 555-0132",
        "call 2125550132",
    ],
)
def test_nothing_is_found_in_redacted_text(value: str) -> None:
    text = f"Reach me: {value}, thanks."
    (found,) = find_personal_data(text)
    redacted = text.replace(found.text, found.placeholder)
    assert redacted != text
    assert find_personal_data(redacted) == ()


def test_longer_replacements_come_first() -> None:
    assert longest_first({"a@b.de": "1", "ba@b.de": "2", "aa@b.de": "3"}) == (
        ("aa@b.de", "3"),
        ("ba@b.de", "2"),
        ("a@b.de", "1"),
    )


def test_an_excerpt_is_short_and_holds_the_place() -> None:
    text = "a" * 500 + "HERE\nNOW" + "b" * 500
    shown = excerpt(text, 500, 508)
    assert "HERE NOW" in shown
    assert len(shown) <= MAX_EXCERPT_CHARACTERS
    assert shown.startswith("…a")
    assert shown.endswith("b…")
    assert excerpt("short\ntext", 3) == "short text"
    assert excerpt(text, 0).startswith("aa")
    assert excerpt(text, len(text)).endswith("bb")
