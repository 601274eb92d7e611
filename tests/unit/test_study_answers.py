"""Answers are asked for once, kept at once, and found again after a kill."""

import json
from pathlib import Path

import pytest
from cli_fixture import build_run
from study_parts import Scripted, ask, said

from tunewright.errors import CorruptError
from tunewright.store import RunFolder, Store
from tunewright.study.answers import ANSWERS_FILE, AnswerLog, Remembering
from tunewright.study.arms import Prompted, ZeroShot

PROMPTS = [[said("user", text)] for text in ("short", "a much longer question", "middle one")]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return Store(tmp_path).create_run("3f" * 32, lambda run_id, _: build_run(id=run_id))


def remembering(run: RunFolder, model: Scripted, rows_per_batch: int = 2, decoding: str = "d") -> Remembering:
    seconds = iter(range(0, 10_000, 5))
    arm = ZeroShot(model, "model", lambda _: True)
    return Remembering(arm, AnswerLog(run), decoding, rows_per_batch, clock=lambda: float(next(seconds)))


def test_answers_come_in_the_order_of_the_prompts_with_the_longest_asked_first(run: RunFolder) -> None:
    model = Scripted()
    answers = ask(remembering(run, model), *PROMPTS)
    assert [answer.text for answer in answers] == [f"answer to {prompt[0].content}" for prompt in PROMPTS]
    assert [prompt[0].content for prompt in model.asked] == ["a much longer question", "middle one", "short"]
    assert model.num_calls == 2


def test_nothing_is_asked_twice(run: RunFolder) -> None:
    first = ask(remembering(run, Scripted()), *PROMPTS)
    again = Scripted()
    assert ask(remembering(run, again), *PROMPTS) == first
    assert again.num_calls == 0


def test_a_kill_loses_the_batch_that_was_under_way_and_no_other(run: RunFolder) -> None:
    def stop_at_short(question: str) -> str:
        if question == "short":
            raise KeyboardInterrupt
        return question

    with pytest.raises(KeyboardInterrupt):
        ask(remembering(run, Scripted(stop_at_short)), *PROMPTS)
    model = Scripted(lambda question: question)
    assert [answer.text for answer in ask(remembering(run, model), *PROMPTS)] == [p[0].content for p in PROMPTS]
    assert [prompt[0].content for prompt in model.asked] == ["short"]


def test_another_arm_or_another_decoding_is_asked_anew(run: RunFolder) -> None:
    ask(remembering(run, Scripted()), *PROMPTS)
    model = Scripted()
    ask(remembering(run, model, decoding="other"), *PROMPTS)
    assert len(model.asked) == 3
    arm = Prompted(ZeroShot(model, "model", lambda _: True), "P")
    ask(Remembering(arm, AnswerLog(run), "d", 9), *PROMPTS)
    assert len(model.asked) == 6


def test_a_failed_answer_is_given_but_not_kept(run: RunFolder) -> None:
    asked = remembering(run, Scripted(lambda question: None if question == "short" else question))
    assert [answer.text for answer in ask(asked, *PROMPTS)] == [None, "a much longer question", "middle one"]
    model = Scripted()
    ask(remembering(run, model), *PROMPTS)
    assert [prompt[0].content for prompt in model.asked] == ["short"]


def test_every_answer_carries_the_time_and_the_size_of_its_batch(run: RunFolder) -> None:
    asked = remembering(run, Scripted())
    ask(asked, *PROMPTS)
    assert [(kept.batch_seconds, kept.batch_rows) for kept in asked.timings(PROMPTS)] == [(5, 1), (5, 2), (5, 2)]
    later = remembering(run, Scripted())
    ask(later, *PROMPTS)
    assert later.timings(PROMPTS) == asked.timings(PROMPTS), "from the sitting in which it was answered"
    assert later.timings([[said("user", "never asked")]]) == []


def test_a_torn_last_line_is_taken_off_and_asked_again(run: RunFolder) -> None:
    ask(remembering(run, Scripted(), rows_per_batch=1), *PROMPTS)
    path = run.path / ANSWERS_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    model = Scripted()
    ask(remembering(run, model), *PROMPTS)
    assert [prompt[0].content for prompt in model.asked] == ["short"]
    texts = [json.loads(line)["answer"]["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(texts) == 3


@pytest.mark.parametrize("line", [b"{not json\n", b'{"arm": 1}\n'])
def test_a_damaged_line_is_refused_by_number(run: RunFolder, line: bytes) -> None:
    ask(remembering(run, Scripted()), *PROMPTS)
    path = run.path / ANSWERS_FILE
    path.write_bytes(line + path.read_bytes())
    with pytest.raises(CorruptError, match=r"answers\.jsonl:1: found a line that is (not JSON|no answer)"):
        AnswerLog(run)
