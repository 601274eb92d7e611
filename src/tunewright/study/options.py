"""Options: the ways to set an arm up that are tried on validation rows, the cheapest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunewright.contracts import PassageIndex
from tunewright.study.arms import Arm, FewShot, Prompted, Retrieval
from tunewright.study.instructions import Instruction
from tunewright.study.similar_examples import ExamplePool


@dataclass(frozen=True, slots=True)
class Option:
    """One way to set an arm up, with what the report says about it."""

    setting: str
    arm: Arm
    system_prompt: str | None = None
    num_prompt_rows: int = 0
    """Labelled rows that the system prompt was made from."""
    num_examples: int | None = None
    num_passages: int | None = None


def prompt_options(
    plain: Option, instructions: Sequence[Instruction], *, in_user_turn: bool = False
) -> tuple[Option, ...]:
    """One option for each system prompt; `in_user_turn` as in Prompted."""
    return tuple(
        replace(
            plain,
            setting=each.name,
            arm=Prompted(plain.arm, each.text, in_user_turn),
            system_prompt=each.text,
            num_prompt_rows=each.num_rows,
        )
        for each in instructions
    )


def few_shot_options(ground: Option, pool: ExamplePool, numbers: Sequence[int]) -> tuple[Option, ...]:
    """One option for each number of examples that the pool has; none if it is empty.

    Args:
        ground: what the examples are put on top of.
    """
    possible = sorted({min(number, len(pool)) for number in numbers} - {0})
    return tuple(
        replace(
            ground,
            setting=f"{number} {'example' if number == 1 else 'examples'} after: {ground.setting}",
            arm=FewShot(ground.arm, pool, number),
            num_examples=number,
        )
        for number in possible
    )


def retrieval_options(ground: Option, index: PassageIndex, numbers: Sequence[int]) -> tuple[Option, ...]:
    """One option for each number of passages.

    Args:
        ground: what the passages are put on top of.
    """
    return tuple(
        replace(
            ground,
            setting=f"{number} {'passage' if number == 1 else 'passages'} after: {ground.setting}",
            arm=Retrieval(ground.arm, index, number),
            num_passages=number,
        )
        for number in sorted(set(numbers))
    )
