"""Test inputs by topic: one of the ways in which the scores of a study are sliced."""

from collections.abc import Sequence

from tunewright.data.representation.clusters import MIN_INPUTS, UNRELATED, Topics
from tunewright.data.representation.features import TooLittleInCommonError
from tunewright.evaluate.task import TestItem
from tunewright.records import Conversation, Example, Message


def clusters_of(items: Sequence[TestItem], rows: Sequence[Example]) -> dict[str, str]:
    """Name of the cluster by item id, such as `2: refund, card, money`: number and typical words.

    Topics are learned from the inputs of training, so that they do not depend on the few that are tested. An item that
    shares no word with them is in none.

    Args:
        rows: of the training split.
    Raises:
        TooLittleInCommonError: the rows are too few, or have too little in common, to have topics.
        MissingExtraError: scikit-learn is not installed.
    """
    texts = [_text(row.body.prompt) for row in rows if isinstance(row.body, Conversation)]
    if len(texts) < MIN_INPUTS:
        raise TooLittleInCommonError(f"{len(texts)} training inputs are fewer than the {MIN_INPUTS} it takes")
    if not items:
        return {}
    topics = Topics(texts)
    names = {topic.number: f"{topic.number + 1}: {', '.join(topic.words)}" for topic in topics.topics}
    members, _ = topics.assign([_text(item.prompt) for item in items])
    return {
        item.example.id: names[number]
        for item, number in zip(items, members.tolist(), strict=True)
        if number != UNRELATED
    }


def _text(prompt: Sequence[Message]) -> str:
    return "\n".join(message.content for message in prompt if message.role != "system")
