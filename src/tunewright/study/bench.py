"""The bench: equal rows, scorers, limits and seeds for every arm, with the choices made on validation rows alone."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from tunewright.contracts import Advance, Progress, SilentProgress
from tunewright.evaluate import ArmScores, TestItem, judge
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import estimate
from tunewright.records import (
    Answer,
    ArmFacts,
    ArmKind,
    Candidate,
    ConstantAnswer,
    Conversation,
    Estimate,
    EvaluateRecipe,
    Example,
    Message,
    Score,
)
from tunewright.study.answers import AnswerLog, KeptAnswer, Remembering
from tunewright.study.arms import Arm
from tunewright.study.citing import scored_text_of
from tunewright.study.options import Option

NUM_CONSTANTS = 20
"""Training answers that are tried as the one answer to all inputs."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A ChatModel that gives every prompt the same answer."""

    text: str

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """As contracts.ChatModel."""
        advance(len(prompts))
        return [Answer(text=self.text, finish="stop") for _ in prompts]


@dataclass(frozen=True, slots=True)
class Floor:
    """What one answer to all inputs reaches."""

    answer: ConstantAnswer
    scores: ArmScores
    """Of that answer on the test rows, under the headline metric."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best of several options."""

    option: Option
    candidates: tuple[Candidate, ...]
    seconds: float
    """Machine time that trying all of them took."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What an arm did on the test rows."""

    scores: ArmScores
    given: tuple[KeptAnswer, ...]
    """Its answers with their times."""

    def facts(self, kind: ArmKind, set_up_seconds: float, rows_needed: int) -> ArmFacts:
        """Tokens and times per request. A batch's rows are there when all are; an endpoint's are timed one by one."""
        answered = [kept.answer for kept in self.given if kept.answer.text is not None]
        waits = sorted(kept.wait_seconds for kept in self.given)
        return ArmFacts(
            name=self.scores.arm,
            kind=kind,
            prompt_tokens=fmean(answer.num_prompt_tokens for answer in answered) if answered else 0.0,
            answer_tokens=fmean(answer.num_answer_tokens for answer in answered) if answered else 0.0,
            machine_seconds=fmean(kept.own_seconds for kept in self.given),
            seconds_p50=_quantile(waits, 0.5),
            seconds_p95=_quantile(waits, 0.95),
            set_up_seconds=round(set_up_seconds, 2),
            rows_needed=rows_needed,
            uses_documents=kind in ("retrieval", "tuned_retrieval"),
            is_tuned=kind in ("tuned", "tuned_retrieval"),
            has_answered=bool(answered),
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """Measures arms.

    Args:
        validation: rows on which settings of arms are chosen.
        test: rows that every arm answers once, with its chosen settings.
        metrics: text metrics from SCORERS.
        headline: the one that chooses; one of `metrics`.
        settings: rows asked at once, resamples and seed.
        log: answers of earlier sittings.
        decoding: hash of what decides answers besides arm and row.
    """

    validation: tuple[TestItem, ...]
    test: tuple[TestItem, ...]
    metrics: tuple[str, ...]
    headline: str
    settings: EvaluateRecipe
    log: AnswerLog
    decoding: str
    progress: Progress

    def choose(self, name: str, options: Sequence[Option]) -> Chosen:
        """Try each option on the validation rows; the best value of the headline metric wins, the first of equals.

        A row that an option did not answer counts as an empty answer: the few rows that a failing endpoint answered
        may be the easy ones. What does not fit the context is tried as far as it does, and said.

        Args:
            name: of the arm, for progress bars.
            options: at least one, the cheapest first.
        """
        metric = SCORERS[self.headline].metric
        sign = 1.0 if metric.higher_is_better else -1.0
        found, goodness, num_cut, seconds = [], [], [], 0.0
        for option in options:
            asked = self._asked(option.arm)
            title = f"{name} ({option.setting}) on validation rows"
            judged = self._judge(title, option, asked, self.validation, (self.headline,))
            num_cut.append(self._num_cut(name, option, judged.answers))
            scores = judged.of(self.headline)
            value = estimate(metric, scores, self.settings.num_resamples, self.settings.seed)
            found.append(value)
            goodness.append(sign * self._value_on_all(scores) if value else float("-inf"))
            given = asked.timings([item.prompt for item in self.validation])
            seconds += sum(kept.batch_seconds / kept.batch_rows for kept in given)
        position = goodness.index(max(goodness))
        candidates = tuple(
            Candidate(setting=option.setting, validation=value, is_chosen=index == position, num_cut=cut)
            for index, (option, value, cut) in enumerate(zip(options, found, num_cut, strict=True))
        )
        return Chosen(options[position], candidates, seconds)

    def _value_on_all(self, scores: Sequence[Score]) -> float:
        """The headline metric on the validation rows, with an empty answer where there was none."""
        metric = SCORERS[self.headline].metric
        empty = judge(Constant(""), None, self.validation, (self.headline,), SilentProgress(), "an empty answer")
        filled = [own if own.value is not None else none for own, none in zip(scores, empty.scores, strict=True)]
        value = estimate(metric, filled, self.settings.num_resamples, self.settings.seed)
        assert value is not None, "more rows are scored than before"
        return value.value

    def _num_cut(self, name: str, option: Option, answers: Mapping[str, Answer]) -> int:
        """Validation inputs whose prompt lost its middle, since it does not fit; examples and passages give way."""
        if option.num_examples or option.num_passages:
            return 0
        # A prompt that could not be asked at all, such as one with control tokens, was not cut.
        asked = [item for item in self.validation if answers[item.example.id].text is not None]
        found = sum(not option.arm.fits(item.prompt) for item in asked)
        if found:
            self.progress.say(
                f"{name} ({option.setting}) does not fit the context with {found:,} of {len(self.validation):,} "
                "validation inputs: the middle of the prompt is cut out there. Shorten it, or take another base."
            )
        return found

    def measure(self, name: str, option: Option) -> Measured:
        """Ask an arm the test rows and score its answers."""
        asked = self._asked(option.arm)
        scores = self._judge(name, option, asked, self.test, self.metrics)
        return Measured(scores, tuple(asked.timings([item.prompt for item in self.test])))

    def judge_headline(self, name: str, option: Option, items: Sequence[TestItem]) -> ArmScores:
        """Ask an arm any items and score its answers under the headline metric."""
        return self._judge(f"{name} of {option.setting}", option, self._asked(option.arm), items, (self.headline,))

    def floor(self, rows: Sequence[Example]) -> Floor | None:
        """What one answer to all inputs reaches: the floor under every arm.

        Tried on validation rows are the most frequent training answers; the test rows are scored once.

        Args:
            rows: of training; None is returned where none of them has an answer.
        """
        answers = Counter(row.body.answer for row in rows if isinstance(row.body, Conversation))
        if not answers:
            return None
        metric = SCORERS[self.headline].metric
        sign = 1.0 if metric.higher_is_better else -1.0

        def judged(text: str, items: Sequence[TestItem]) -> ArmScores:
            return judge(Constant(text), None, items, (self.headline,), SilentProgress(), "one answer to all")

        def reached(scores: ArmScores) -> Estimate | None:
            return estimate(metric, scores.of(self.headline), self.settings.num_resamples, self.settings.seed)

        def goodness(text: str) -> float:
            found = reached(judged(text, self.validation))
            return sign * found.value if found else float("-inf")

        best = max((text for text, _ in answers.most_common(NUM_CONSTANTS)), key=goodness)
        scores = judged(best, self.test)
        return Floor(ConstantAnswer(text=best, estimate=reached(scores)), scores)

    def ask(self, title: str, arm: Arm, items: Sequence[TestItem]) -> dict[str, Answer]:
        """The answers of an arm to some items, by id of their examples; not scored."""
        with self.progress.bar(f"Answers of {title}", len(items)) as advance:
            answers = self._asked(arm).answer([item.prompt for item in items], advance)
        return {item.example.id: answer for item, answer in zip(items, answers, strict=True)}

    def _judge(
        self, title: str, option: Option, asked: Remembering, items: Sequence[TestItem], metrics: Sequence[str]
    ) -> ArmScores:
        return judge(asked, None, items, metrics, self.progress, title, scored_text_of(option.num_passages))

    def _asked(self, arm: Arm) -> Remembering:
        return Remembering(arm, self.log, self.decoding, self.settings.rows_per_batch)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: a time that was measured."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
