"""Two arms before a judge behind a real endpoint: biased, honest, talking nonsense, failing half-way."""

import re
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest
from chat_server import ChatServer, Reply, Request, Script, chat_server, refused
from chat_server import said as reply
from cli_fixture import build_run
from study_parts import row

from tunewright.contracts import SilentProgress
from tunewright.evaluate import test_items as items_of
from tunewright.outside.chat_endpoint import ChatEndpoint
from tunewright.records import Answer, ArmMetric, Estimate, EvaluateRecipe, JudgeComparison, Message, Metric
from tunewright.store import RunFolder, Store
from tunewright.study.answers import AnswerLog
from tunewright.study.judging import MAX_FAILURES_IN_A_ROW, Judge, Side, compared_arms

NUM_ROWS = 12
ITEMS = items_of([row(f"question {n}", "reference", n) for n in range(NUM_ROWS)], None)
RECIPE = EvaluateRecipe(num_resamples=100)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return Store(tmp_path).create_run("3f" * 32, lambda run_id, _: build_run(id=run_id))


def side(arm: str, text: Callable[[int], str | None]) -> Side:
    return Side(arm, {item.example.id: text(place) for place, item in enumerate(ITEMS)})


LONG = side("tuned", lambda place: f"answer {place} with many more words than the other one")
SHORT = side("prompted", lambda place: f"answer {place}")


def compare(
    run: RunFolder,
    server: ChatServer,
    arm: Side = LONG,
    baseline: Side = SHORT,
    question: str = "It is right.",
    model: str = "large",
) -> JudgeComparison:
    judge = Judge(model, ChatEndpoint(server.url, model).answer_each, AnswerLog(run), SilentProgress())
    return judge.compare(question, ITEMS, arm, baseline, RECIPE)


def outcomes(found: JudgeComparison) -> tuple[int, int, int, int]:
    return found.num_wins, found.num_ties, found.num_losses, found.num_unscored


def always(text: str) -> Script:
    return lambda request, number: reply(text)


def longer(request: Request, number: int) -> Reply:
    shown = re.findall(r"<answer_([ab])>\n(.*?)\n</answer", request.question, re.DOTALL)
    lengths = {name.upper(): len(text) for name, text in shown}
    return reply(f"Verdict: {max(lengths, key=lengths.__getitem__)}")


def test_a_judge_that_always_says_a_gives_ties_and_no_agreement(run: RunFolder) -> None:
    with chat_server(always("Verdict: A")) as server:
        found = compare(run, server)
    assert outcomes(found) == (0, NUM_ROWS, 0, 0)
    assert found.agreement is not None
    assert found.agreement.value == 0.0
    assert (found.num_first, found.num_second, found.num_equal) == (2 * NUM_ROWS, 0, 0)


def test_a_judge_that_prefers_the_longer_answer_prefers_its_arm_in_either_order(run: RunFolder) -> None:
    with chat_server(longer) as server:
        found = compare(run, server)
        turned = compare(run, server, SHORT, LONG)
    assert outcomes(found) == (NUM_ROWS, 0, 0, 0)
    assert outcomes(turned) == (0, 0, NUM_ROWS, 0)
    assert found.agreement is not None
    assert found.agreement.value == 1.0
    assert (found.num_first, found.num_second) == (NUM_ROWS, NUM_ROWS)
    assert found.p_value == pytest.approx(2 / 2**NUM_ROWS)
    assert len(server.requests) == 2 * NUM_ROWS, "turned round, the same questions had been answered"


def test_a_judge_that_says_tie_agrees_with_itself(run: RunFolder) -> None:
    with chat_server(always("Verdict: tie")) as server:
        found = compare(run, server)
    assert outcomes(found) == (0, NUM_ROWS, 0, 0)
    assert found.agreement is not None
    assert found.agreement.value == 1.0
    assert (found.num_first, found.num_second, found.p_value) == (0, 0, 1.0)


def test_nonsense_is_unscored_and_no_tie(run: RunFolder) -> None:
    with chat_server(always("I like them both, A and B.")) as server:
        found = compare(run, server)
        assert outcomes(compare(run, server)) == outcomes(found) == (0, 0, 0, NUM_ROWS)
    assert len(server.requests) == 2 * NUM_ROWS, "it was paid for, and would say the same again"
    assert found.note == "Unscored, most often: the judge replied with none of A, B and tie."
    assert found.num_failed == 0


def test_a_judge_that_fails_half_way_is_asked_again_for_the_rest_alone(run: RunFolder) -> None:
    def tires(request: Request, number: int) -> Reply:
        return longer(request, number) if number <= NUM_ROWS else refused(402, "no money left")

    with chat_server(tires) as server:
        first = compare(run, server)
    answered = [request.question for request in server.requests[:NUM_ROWS]]
    assert first.num_failed == first.num_unscored > 0
    assert first.num_wins + first.num_unscored == NUM_ROWS
    assert first.note is not None
    assert "HTTP 402: no money left" in first.note
    with chat_server(longer) as again:
        second = compare(run, again)
    assert (*outcomes(second), second.num_failed) == (NUM_ROWS, 0, 0, 0, 0)
    assert len(again.requests) == NUM_ROWS
    assert not {request.question for request in again.requests} & set(answered)


def test_a_judge_that_refuses_everything_is_given_up(run: RunFolder) -> None:
    with chat_server(lambda request, number: refused(401, "who are you")) as server:
        found = compare(run, server)
    assert outcomes(found) == (0, 0, 0, NUM_ROWS)
    # Up to as many again as are under way at once.
    assert MAX_FAILURES_IN_A_ROW <= len(server.requests) < 2 * NUM_ROWS
    assert found.note is not None
    assert "HTTP 401: who are you" in found.note


def test_an_interrupt_keeps_what_came_in(run: RunFolder) -> None:
    num_stopped = 5

    def stopping(judge: Judge) -> Judge:
        def ask_each(prompts: Sequence[Sequence[Message]]) -> Generator[tuple[int, Answer], None, None]:
            for number, found in enumerate(judge.ask_each(prompts)):
                if number == num_stopped:
                    raise KeyboardInterrupt
                yield found

        return Judge(judge.model, ask_each, judge.log, judge.progress)

    with chat_server(longer) as server:
        judge = Judge("large", ChatEndpoint(server.url, "large").answer_each, AnswerLog(run), SilentProgress())
        with pytest.raises(KeyboardInterrupt):
            stopping(judge).compare("It is right.", ITEMS, LONG, SHORT, RECIPE)
    with chat_server(longer) as again:
        assert outcomes(compare(run, again)) == (NUM_ROWS, 0, 0, 0)
    assert len(again.requests) == 2 * NUM_ROWS - num_stopped


def test_equal_answers_are_ties_and_missing_ones_unscored_and_neither_is_asked(run: RunFolder) -> None:
    other = side("prompted", lambda place: f"answer {place} " if place < 4 else None if place == 4 else "another")
    arm = side("tuned", lambda place: f"answer {place}")
    with chat_server(always("Verdict: B")) as server:
        found = compare(run, server, arm, other)
    assert outcomes(found) == (0, 4 + 7, 0, 1)
    assert found.num_equal == 4
    assert found.agreement is not None
    assert found.agreement.num_rows == 7
    assert len(server.requests) == 14
    assert found.note == "Unscored, most often: an arm gave no answer."
    assert found.num_failed == 0, "the judge failed at nothing"


def test_where_all_answers_are_equal_nothing_is_sent(run: RunFolder) -> None:
    with chat_server(always("Verdict: A")) as server:
        found = compare(run, server, LONG, Side("prompted", LONG.answers))
    assert outcomes(found) == (0, NUM_ROWS, 0, 0)
    assert found.agreement is None
    assert server.requests == []


def test_another_model_or_question_is_asked_anew(run: RunFolder) -> None:
    with chat_server(longer) as server:
        compare(run, server)
        compare(run, server, question="It is polite.")
        compare(run, server, model="larger")
    assert len(server.requests) == 3 * 2 * NUM_ROWS


METRIC = Metric(name="accuracy", title="Accuracy", explanation="", higher_is_better=True, is_share=True)


def results(**values: float | None) -> list[ArmMetric]:
    return [
        ArmMetric(
            arm=arm,
            metric="accuracy",
            estimate=None if value is None else Estimate(value=value, low=value, high=value, num_rows=9),
            reason="r" if value is None else None,
        )
        for arm, value in values.items()
    ]


def test_the_best_tuned_arm_meets_the_best_of_the_others() -> None:
    found = results(zero=0.1, prompted=0.4, endpoint=0.9, tuned=0.6, both=0.7)
    assert compared_arms(METRIC, found, ["tuned", "both"]) == ("both", "endpoint")


def test_an_arm_that_failed_on_most_rows_is_not_compared() -> None:
    found = results(zero=0.1, prompted=0.4, endpoint=0.9, tuned=0.6)
    assert compared_arms(METRIC, found, ["tuned"], {"endpoint": "it failed"}) == ("tuned", "prompted")


def test_without_a_tuned_arm_the_two_best_meet() -> None:
    assert compared_arms(METRIC, results(zero=0.1, prompted=0.4, few=0.3), []) == ("prompted", "few")


def test_arms_that_could_not_be_measured_can_still_be_compared() -> None:
    assert compared_arms(METRIC, results(zero=None, prompted=None, tuned=None), ["tuned"]) == ("tuned", "zero")
