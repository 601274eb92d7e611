"""Secrets: keys, tokens and passwords that must not end up in a model's weights.

The patterns are those of detect-secrets. Its two entropy plugins are left out, because they take identifiers and hashes
for secrets, and its keyword plugin (password = "...") is believed only where the value looks like one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from tunewright.data.checks.check import Check, RowSet
from tunewright.data.checks.redact import is_placeholder, placeholder
from tunewright.data.checks.row_finding import excerpt, longest_first, replaced, row_finding
from tunewright.data.checks.text import with_repaired_texts
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, Finding, Severity

if TYPE_CHECKING:
    from detect_secrets.plugins.base import RegexBasedDetector
    from detect_secrets.plugins.keyword import KeywordDetector


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret and where it stands in its text."""

    kind: str
    """detect-secrets' name of it, such as "GitHub Token", or what it looks like."""
    start: int
    end: int
    text: str


def find_secrets(text: str) -> tuple[Secret, ...]:
    """Find secrets in the order of the text; where two overlap, the longer one.

    Placeholders such as <password>, ${TOKEN}, ***** and our own are not secrets.

    Raises:
        MissingExtraError: detect-secrets is not installed and the text holds a candidate.
    """
    found: list[Secret] = []
    position = 0
    for line in text.split("\n"):
        if _may_hold_secret(line):
            candidates = [*_tokens(line, position), *_passwords(line, position)]
            found += [secret for secret in candidates if not is_placeholder(secret.text)]
        position += len(line) + 1
    if "PRIVATE KEY" in text:
        found += _private_keys(text)
    found.sort(key=lambda secret: secret.start - secret.end)
    kept: list[Secret] = []
    for secret in found:
        if not any(secret.start < other.end and other.start < secret.end for other in kept):
            kept.append(secret)
    return tuple(sorted(kept, key=lambda secret: secret.start))


# The patterns of detect-secrets look for a long run of characters, a login in a URL, or an assignment to a key word.
_SHORTEST_TOKEN = 20
_KEY_WORDS = ("pass", "pwd", "secret", "key", "contrase")
_ASSIGNMENT = re.compile(
    r"(?:(?:api|auth|service|account|db|database|priv|private|client)_?key|pass|pwd|secret|contrase)"
    r"\w{0,30}[\]\"']{0,3}(?:\[\d{0,9}\])?\s{0,4}(?:[:=!(]|\.assign|\S{0,50}\s{0,4}[\"'])",
    re.IGNORECASE,
)


def _may_hold_secret(line: str) -> bool:
    if len(line) < 8:
        return False
    if "://" in line and "@" in line:
        return True
    if any(_looks_random(word) for word in line.split()):
        return True
    lowered = line.lower()
    return any(word in lowered for word in _KEY_WORDS) and _ASSIGNMENT.search(line) is not None


def _looks_random(word: str) -> bool:
    """Tokens mix letters and digits; long words, paths and rules of dashes do not."""
    return len(word) >= _SHORTEST_TOKEN and any(map(str.isdigit, word)) and any(map(str.isalpha, word))


def _tokens(line: str, position: int) -> Iterator[Secret]:
    for plugin in _token_plugins():
        if next(iter(plugin.analyze_string(line)), None) is None:
            continue
        for pattern in plugin.denylist:
            for match in pattern.finditer(line):
                start, end = _secret_span(match, line)
                secret = line[start:end]
                if not (_is_example(secret) if pattern in _logins() else _is_no_token(secret)):
                    yield Secret(plugin.secret_type, position + start, position + end, secret)


def _is_no_token(value: str) -> bool:
    """A token without a digit is a word in capitals (AP...); manuals print AKIAIOSFODNN7EXAMPLE and ghp_xxxxxxxx."""
    return not any(map(str.isdigit, value)) or "EXAMPLE" in value or "x" * 8 in value.lower()


_REST_OF_TOKEN = re.compile(r"(?:\.?[\w+/=-])*")
_SURROUNDINGS = ' =:"'


def _secret_span(match: re.Match[str], line: str) -> tuple[int, int]:
    """Where the secret itself is: the last group if it closes the match (but for a quote), or else the whole match.

    A group that opens the match is a prefix such as ghp_. Some patterns stop before the end of the token.
    """
    for group in range(match.re.groups, 0, -1):
        if match.start(group) > match.start() and match.end(group) >= match.end() - 1:
            return match.span(group)
    token = match[0].strip(_SURROUNDINGS)
    start = line.index(token, match.start())
    rest = _REST_OF_TOKEN.match(line, start + len(token))
    return start, rest.end() if rest else start + len(token)


_KEYWORD = "a value behind a word such as password or api_key"
# Words and phrases in quotes are far more often a label or a rule about passwords than a password.
_PASSWORD = re.compile(r"(?=[^\d]*\d)[^\"'`\s]{6,}")
_QUOTED_VALUE = re.compile(rf"[\"'`]{_PASSWORD.pattern}[\"'`]")


def _passwords(line: str, position: int) -> Iterator[Secret]:
    plugin = _keyword_plugin()
    for match in _ASSIGNMENT.finditer(line):
        # The plugin's patterns go back and forth over the whole line; a window keeps long lines linear.
        first = max(0, match.start() - 80)
        window = line[first : match.end() + 160]
        if not _QUOTED_VALUE.search(window):
            continue
        for value in plugin.analyze_string(window):
            if _PASSWORD.fullmatch(value) and not _is_example(value):
                start = position + first + window.index(value)
                yield Secret(_KEYWORD, start, start + len(value), value)


_EXAMPLE = re.compile(
    r"example|sample|dummy|your|change|placeholder|passw|secret|fake|foobar|x{4}|1234|test", re.IGNORECASE
)


def _is_example(value: str) -> bool:
    """Whether a password is one that manuals print."""
    from detect_secrets.filters import heuristic

    return bool(
        _EXAMPLE.search(value)
        or heuristic.is_templated_secret(value)
        or heuristic.is_prefixed_with_dollar_sign(value)
        or heuristic.is_not_alphanumeric_string(value)
        or heuristic.is_sequential_string(value)
    )


# detect-secrets finds the first line of a key; a first line without a key after it is only being talked about.
_PRIVATE_KEY = re.compile(
    r"BEGIN (?:[A-Z0-9]{2,9} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
    r"(?P<body>(?:\s|\\+[nr])++[A-Za-z0-9+/=\s\\:,.-]{40,}?)(?:-----END|$)"
)


def _private_keys(text: str) -> Iterator[Secret]:
    for match in _PRIVATE_KEY.finditer(text):
        if not is_placeholder(match["body"]):
            yield Secret("Private Key", match.start("body"), match.end("body"), match["body"])


@cache
def _token_plugins() -> tuple["RegexBasedDetector", ...]:
    """Every plugin that knows the form of one kind of key. IP addresses are personal data, not secrets."""
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.plugins.base import RegexBasedDetector
    except ImportError:
        raise MissingExtraError("detect-secrets", "data", "find keys and tokens") from None
    known = get_mapping_from_secret_type_to_class()
    return tuple(
        known[name]()
        for name in sorted(known)
        if issubclass(known[name], RegexBasedDetector) and name not in ("Public IP (ipv4)", "Private Key")
    )


@cache
def _logins() -> frozenset[re.Pattern[str]]:
    from detect_secrets.plugins.basic_auth import BasicAuthDetector

    return frozenset(BasicAuthDetector.denylist)


@cache
def _keyword_plugin() -> "KeywordDetector":
    from detect_secrets.plugins.keyword import KeywordDetector

    return KeywordDetector()


_TEXTS_REMEMBERED = 256


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    find_once = lru_cache(_TEXTS_REMEMBERED)(find_secrets)  # system messages repeat in every row
    for row, texts in with_repaired_texts(rows, recipe):
        found = [(text, secret) for text in texts for secret in find_once(text)]
        if not found:
            continue
        secrets = {secret.text: secret for _, secret in found}
        named = ", ".join(sorted({secret.kind for secret in secrets.values()}))
        edits = {secret: placeholder(secret) for secret in secrets} if recipe.redact else {}
        yield row_finding(
            SECRETS.id,
            row,
            f"The row seems to hold a secret: {named}.",
            _masked_excerpt(*found[0], secrets),
            float(len(secrets)),
            longest_first(edits),
        )


_SHOWN_CHARACTERS = 4


def _masked_excerpt(text: str, first: Secret, secrets: Iterable[str]) -> str:
    """Show where the first secret stands without copying any secret of the row into the report."""
    masked = {secret: secret[:_SHOWN_CHARACTERS] + "…" for secret in secrets}
    shown = replaced(text, longest_first(masked))
    return excerpt(shown, shown.find(masked[first.text]))


SECRETS = Check(
    id="secrets",
    title="Secrets",
    explanation="Keys, tokens, private keys and passwords in the form that services give them (patterns of "
    "detect-secrets 1.5 without its entropy guesses). A model can repeat a secret it was trained on to anybody who "
    "asks, and it cannot be taken back. Placeholders such as <password> are left out.",
    severity=Severity.BLOCKING,
    action="training is refused; with data.checks.redact each secret is replaced by a placeholder of the same shape",
    find=_find,
)
