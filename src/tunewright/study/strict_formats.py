"""Strict formats of a study: how well every arm keeps them, and what forbidding all other tokens would change.

An answer that keeps the format is the same under constraint, so only the others are written again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewright.evaluate import ArmScores
from tunewright.evaluate.judge import rescore
from tunewright.evaluate.scorers import Scorer
from tunewright.records import Answer, ArmMetric, FormatScores, content_hash
from tunewright.study.arms import Arm, ZeroShot
from tunewright.study.bench import Bench
from tunewright.study.citing import scored_text_of
from tunewright.study.compare import arm_result
from tunewright.study.options import Option


@dataclass(frozen=True, slots=True)
class Constraint:
    """How a model is kept to a format."""

    identity: str
    """Hash of the format."""
    accepts: Callable[[str], bool]
    """Whether an answer could have been written under it."""
    applied: Callable[[Any], Any]
    """A model, as it answers under the constraint."""


@dataclass(frozen=True, slots=True)
class FormatTest:
    """Judges the format of arms.

    Args:
        scorers: the metrics of the format.
        constraint: None where answers cannot be constrained.
    """

    bench: Bench
    scorers: Sequence[Scorer]
    constraint: Constraint | None

    def measure(self, scores: ArmScores, option: Option, *, is_local: bool) -> list[FormatScores]:
        """The format of an arm that has answered the test rows, as it is and, where that can be done, constrained.

        Answers to rows that the bench does not have are not looked at.

        Args:
            is_local: whether the tokens of its model can be chosen here.
        """
        answers = {item.example.id: scores.answers[item.example.id] for item in self.bench.test}
        found = [self._judged(scores.arm, answers, option, 0, is_constrained=False)]
        if self.constraint and is_local:
            again = self._written_again(scores, option, self.constraint)
            found.append(self._judged(scores.arm, {**answers, **again}, option, len(again), is_constrained=True))
        return found

    def _written_again(self, scores: ArmScores, option: Option, constraint: Constraint) -> dict[str, Answer]:
        def is_kept(answer: Answer) -> bool:
            return answer.finish == "stop" and answer.text is not None and constraint.accepts(answer.text)

        items = [item for item in self.bench.test if not is_kept(scores.answers[item.example.id])]
        return self.bench.ask(f"{scores.arm}, constrained", _constrained(option.arm, constraint), items)

    def _judged(
        self, arm: str, answers: dict[str, Answer], option: Option, num_written_again: int, *, is_constrained: bool
    ) -> FormatScores:
        bare = ArmScores(arm=arm, scores=(), answers=answers)
        judged = rescore(bare, self.bench.test, self.scorers, scored_text_of(option.num_passages))
        results: list[ArmMetric] = [arm_result(judged, scorer.metric, self.bench.settings) for scorer in self.scorers]
        return FormatScores(
            arm=arm,
            is_constrained=is_constrained,
            results=tuple(results),
            num_answers=len(answers),
            num_truncated=sum(answer.finish == "length" for answer in answers.values()),
            num_written_again=num_written_again,
        )


def _constrained(arm: Arm, constraint: Constraint) -> Arm:
    """The same arm around a constrained model."""
    if isinstance(arm, ZeroShot):
        identity = content_hash(["constrained", constraint.identity, arm.model_identity])
        return replace(arm, model=constraint.applied(arm.model), model_identity=identity)
    stacked: Any = arm  # every other arm stands on an inner one
    changed: Arm = replace(stacked, inner=_constrained(stacked.inner, constraint))
    return changed
