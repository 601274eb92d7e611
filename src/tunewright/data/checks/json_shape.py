"""The shape that JSON answers have in common, learned from the answers themselves, and what breaks it.

    {"severity": "S1", "order": null}   x 700     ->   severity: a text, one of "S1" "S2" "S3"; order: a text or null
    {"severity": 1, "order": null}                ->   severity is a number, not a text

A place is named by its keys, as in `items[].price`. What is learned at a place holds for all values found there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

USUAL_SHARE = 0.95
"""A key, or all usual types together, must be in this share of the values of a place; what is odd is in the rest."""
ORDER_SHARE = 0.98
"""Objects that must have their usual keys in one order before another order is odd."""
CHOICES_SHARE = 0.98
"""Texts that must be one of a few choices before another text is odd."""
MAX_CHOICES = 20
MIN_ROWS_PER_CHOICE = 5

_MAX_CHOICE_CHARACTERS = 40
_ROOT = "the answer"

_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class _Counts:
    """What was seen at one place."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.orders: Counter[tuple[str, ...]] = Counter()
        self.texts: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is usual at one place."""

    kinds: tuple[str, ...]
    odd_kinds: frozenset[str]
    required_keys: tuple[str, ...]
    """In their usual order."""
    has_order: bool
    odd_keys: frozenset[str]
    choices: tuple[str, ...]
    """Sorted; empty when texts are free."""


class JsonShape:
    """What is usual in JSON values.

    Args:
        values: all of them, the odd ones included; they are read once.
    """

    def __init__(self, values: Iterable[object]) -> None:
        counts: defaultdict[str, _Counts] = defaultdict(_Counts)
        for value in values:
            for place, found in _places(value, ""):
                _count(counts[place], found)
        self._rules = {place: _rule(seen) for place, seen in counts.items()}

    def deviations(self, value: object) -> list[str]:
        """What is odd about one of the values, in words; empty when nothing is."""
        return [odd for place, found in _places(value, "") for odd in _deviations(self._rules[place], place, found)]


def _places(value: object, place: str) -> Iterator[tuple[str, object]]:
    # The depth of strict JSON is limited, so this recursion is too.
    yield place, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for item in value:
            yield from _places(item, f"{place}[]")


def _count(seen: _Counts, value: object) -> None:
    seen.kinds[_KINDS[type(value)]] += 1
    if isinstance(value, dict):
        seen.orders[tuple(value)] += 1
    elif isinstance(value, str) and len(value) <= _MAX_CHOICE_CHARACTERS:
        seen.texts[value] += 1


def _rule(seen: _Counts) -> _Rule:
    odd_kinds = _odd(seen.kinds, seen.kinds.total())
    num_objects = seen.orders.total()
    num_with_key: Counter[str] = Counter()
    for order, count in seen.orders.items():
        num_with_key.update(dict.fromkeys(order, count))
    required, has_order = _required_keys(seen.orders, num_with_key)
    odd_keys = frozenset(key for key, count in num_with_key.items() if count <= (1 - USUAL_SHARE) * num_objects)
    num_with_odd_key = sum(count for order, count in seen.orders.items() if not odd_keys.isdisjoint(order))
    if num_with_odd_key > (1 - USUAL_SHARE) * num_objects:  # keys are free, as in {"Anna": 3, "Ben": 5}
        odd_keys = frozenset()
    return _Rule(
        kinds=tuple(kind for kind, _ in seen.kinds.most_common() if kind not in odd_kinds),
        odd_kinds=odd_kinds,
        required_keys=required,
        has_order=has_order,
        odd_keys=odd_keys,
        choices=_choices(seen.texts, seen.kinds["a text"]),
    )


def _odd(counts: Counter[str], total: int) -> frozenset[str]:
    """The rarest ones that together are at most the unusual share."""
    odd: set[str] = set()
    num_left = (1 - USUAL_SHARE) * total
    for name, count in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        num_left -= count
        if num_left < 0:
            break
        odd.add(name)
    return frozenset(odd)


def _required_keys(orders: Counter[tuple[str, ...]], num_with_key: Counter[str]) -> tuple[tuple[str, ...], bool]:
    required = {key for key, count in num_with_key.items() if count >= USUAL_SHARE * orders.total()}
    complete: Counter[tuple[str, ...]] = Counter()
    for order, count in orders.items():
        if required.issubset(order):
            complete[tuple(key for key in order if key in required)] += count
    if not complete:
        return (), False
    usual, count = complete.most_common(1)[0]
    return usual, count >= ORDER_SHARE * complete.total()


def _choices(texts: Counter[str], num_texts: int) -> tuple[str, ...]:
    fewest = max(MIN_ROWS_PER_CHOICE, num_texts / 100)
    usual = {text: count for text, count in texts.items() if count >= fewest}
    is_closed = 0 < len(usual) <= MAX_CHOICES and sum(usual.values()) >= CHOICES_SHARE * num_texts
    return tuple(sorted(usual)) if is_closed else ()


def _deviations(rule: _Rule, place: str, value: object) -> Iterator[str]:
    name = f"`{place}`" if place else _ROOT
    kind = _KINDS[type(value)]
    if kind in rule.odd_kinds:
        yield f"{name} is {kind}, not {' or '.join(rule.kinds)}"
    elif isinstance(value, dict):
        prefix = f"{place}." if place else ""
        missing = [key for key in rule.required_keys if key not in value]
        yield from (f"`{prefix}{key}` is missing" for key in missing)
        yield from (f"`{prefix}{key}` is a key that hardly any other has" for key in value if key in rule.odd_keys)
        order = tuple(key for key in value if key in rule.required_keys)
        if rule.has_order and not missing and order != rule.required_keys:
            yield f"the keys of {name} are not in the order {', '.join(rule.required_keys)}"
    elif isinstance(value, str) and rule.choices and value not in rule.choices:
        yield f"{name} is {_quoted(value)}, not one of {', '.join(map(_quoted, rule.choices))}"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= _MAX_CHOICE_CHARACTERS else f'"{text[: _MAX_CHOICE_CHARACTERS - 1]}…"'
