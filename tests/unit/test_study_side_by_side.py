"""Which rows a study shows: those that tell the arms apart, those that none answers, those that all do."""

from study_parts import passage, row

from tunewright.evaluate import ArmScores
from tunewright.evaluate import test_items as items_of
from tunewright.records import Answer, Score
from tunewright.study.side_by_side import NUM_ROWS_OF_A_KIND, telling_rows

ITEMS = items_of([row(f"q{number}", f"a{number}") for number in range(30)], None)


def arm(name: str, values: list[float | None]) -> ArmScores:
    scores = tuple(
        Score(example_id=item.example.id, metric="exact_match", value=value, reason=None if value is not None else "r")
        for item, value in zip(ITEMS, values, strict=True)
    )
    answers = {item.example.id: Answer(text=f"{name} {item.prompt[0].content}", finish="stop") for item in ITEMS}
    return ArmScores(arm=name, scores=scores, answers=answers)


def test_rows_are_shown_by_disagreement_best_and_worst_and_none_twice() -> None:
    # Rows 0 to 2 differ; 3 to 9 are right under both, the others wrong.
    first = arm("first", [1.0] * 10 + [0.0] * 20)
    second = arm("second", [0.0] * 3 + [1.0] * 7 + [0.0] * 20)
    shown = telling_rows([first, second], ITEMS, "exact_match", {})
    questions = {group: [found.prompt for found in shown if found.group == group] for group in
                 ("disagreement", "best", "worst")}  # fmt: skip
    assert questions["disagreement"] == ["q0", "q1", "q2"]
    assert questions["best"] == [f"q{number}" for number in range(3, 3 + NUM_ROWS_OF_A_KIND)]
    assert questions["worst"] == [f"q{number}" for number in range(10, 10 + NUM_ROWS_OF_A_KIND)]
    assert len({found.example_id for found in shown}) == len(shown)
    assert shown[0].answers["second"].text == f"second {shown[0].prompt}"


def test_unscored_rows_are_shown_only_if_another_arm_was_scored_on_them() -> None:
    shown = telling_rows([arm("a", [None, 1.0] + [None] * 28), arm("b", [0.5] + [None] * 29)], ITEMS, "exact_match", {})
    assert sorted(found.prompt for found in shown) == ["q0", "q1"]


def test_passages_are_looked_up_for_shown_rows_alone() -> None:
    asked = []

    def find(prompt):
        asked.append(prompt[0].content)
        return (passage(f"about {prompt[0].content}"),)

    shown = telling_rows([arm("a", [1.0] * 30)], ITEMS, "exact_match", {"a": find})
    assert asked == [found.prompt for found in shown]
    assert shown[0].passages["a"][0].text == f"about {shown[0].prompt}"
