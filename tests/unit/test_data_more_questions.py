"""What the training of a base asks beyond the questions and requests that measuring has."""

import random
import re
from collections import Counter
from itertools import product

from tunewright.data.skills import ANSWER_ABSENT, OpenWords, Part
from tunewright.data.skills.context_answers import _MORE_LEADS, _MORE_TAILS, _REQUESTS, asked_or_absent, request
from tunewright.data.skills.facts import ask_about, new_fact
from tunewright.data.skills.item import Draw
from tunewright.data.skills.more_questions import more_questions, more_reverse
from tunewright.data.skills.relations import RELATIONS, RELATIONS_BY_KIND

OPEN_WORDS = OpenWords(("bock", "dock"))


def words_apart(template: str, other: str) -> int:
    """How many words one of the two has that the other has not."""
    one, two = (Counter(re.findall(r"\{[sv]\}|[a-z']+", text.lower())) for text in (template, other))
    return max((one - two).total(), (two - one).total())


def test_further_questions_are_more_than_a_word_away_from_those_that_measuring_uses() -> None:
    for relation in RELATIONS:
        banks = [(more_questions(relation), relation.questions, "{s}")]
        if relation.reverse:
            banks.append((more_reverse(relation), relation.reverse, "{v}"))
        for more, bank, slot in banks:
            assert len(more) == len(set(more)) >= 8
            assert set(more).isdisjoint(bank.train)
            for template in more:
                assert template.count(slot) == template.count("{") == 1, template
                assert min(words_apart(template, known) for known in bank.held_out) > 1, template


def test_further_requests_are_more_than_a_word_away_from_those_that_measuring_uses() -> None:
    for lead, tail in product(_MORE_LEADS, _MORE_TAILS):
        if lead or tail:
            assert min(words_apart(f"{lead} {tail}", known) for known in _REQUESTS.held_out) > 1, (lead, tail)


def test_only_where_there_are_open_words_further_questions_and_requests_are_asked() -> None:
    (mayor,) = [one for one in RELATIONS if one.key == "mayor"]

    def asked(part: Part, open_words: OpenWords) -> set[str]:
        return {ask_about(Draw(random.Random(seed), part, open_words), mayor, "{s}") for seed in range(400)}

    further = set(more_questions(mayor))
    assert asked("train", OPEN_WORDS) & further
    assert not asked("train", OpenWords()) & further
    assert not asked("held_out", OpenWords()) & further
    plain = {request(Draw(random.Random(seed), "train"), "Why?") for seed in range(400)}
    assert plain < {request(Draw(random.Random(seed), "train", OPEN_WORDS), "Why?") for seed in range(4000)}


def test_of_a_subject_of_which_all_is_stated_nothing_else_is_asked() -> None:
    draw = Draw(random.Random(1), "train", OPEN_WORDS)
    facts = [new_fact(draw, relation, "the Bock party") for relation in RELATIONS_BY_KIND["event"]]
    answers = {asked_or_absent(draw, facts[0], facts)[1] for _ in range(200)}
    assert answers == {str(facts[0].value), ANSWER_ABSENT}
