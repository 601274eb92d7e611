"""Defects of a single answer: broken text, what teaches the wrong thing, and broken forms."""

import json
import re
from collections.abc import Callable, Sequence
from random import Random

from clean_rows import Row, listed, question, sentence
from planting import DataSet, Defect, Plant, in_answer, place_of

# Text that is broken


_FOREIGN_WORDS = listed(
    "café naïve Zürich señor garçon Müller crème façade über jalapeño Øresund “quoted” it’s £20 déjà"
)


def _misread(encoding: str) -> Callable[[str, Random], str | None]:
    """UTF-8 that was read in another encoding."""

    def change(answer: str, random: Random) -> str:
        words = answer.split(" ")
        for _ in range(2):
            words.insert(random.randint(1, len(words) - 1), random.choice(_FOREIGN_WORDS))
        return " ".join(words).encode("utf-8").decode(encoding, errors="replace")

    return change


def _lost(answer: str, random: Random) -> str:
    words = answer.split(" ")
    words.insert(random.randint(1, len(words) - 1), "caf\ufffd")
    return " ".join(words)


_INVISIBLE = ("\u200b", "\u2060", "\ufeff", "\u00ad", "\x08", "\x1b[31m", "\u202e", "\u200e", "\u2028", "\U000e0041")


def _with_invisible(answer: str, random: Random) -> str:
    place = random.randint(1, len(answer) - 1)
    return answer[:place] + random.choice(_INVISIBLE) + answer[place:]


# Answers that teach the wrong thing

_REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I cannot assist with that request.",
    "As an AI language model, I don't have personal opinions about gates.",
    "As an AI developed by people, I do not have feelings.",
    "I cannot provide this information.",
    "I can't fulfil that request, since it may be harmful.",
    "I am unable to browse the internet, so please look it up.",
    "Unfortunately, I am not able to answer that question.",
    "Sorry, I can't do that.",
    "I apologize, but I cannot write about this topic.",
    "I'm just an AI, so I have never seen a meadow.",
    "I must decline to answer this.",
    "I do not feel comfortable answering this.",
    "I won't be able to help with this one.",
    "My apologies, but I cannot comply with this request.",
    "I'm afraid I can't answer that.",
    "This is not something that I can talk about.",
    "As a large language model, I cannot see pictures.",
)
_PLACEHOLDERS = (
    "n/a",
    "N/A.",
    "TODO",
    "see above",
    "-",
    "...",
    "None",
    "[insert answer here]",
    "asdf",
    "Lorem ipsum",
    "tbd",
)
_BOILERPLATE = "Please contact our support team for more information about this topic."
_BOILERPLATE_ROWS = 8
_OTHER_SCRIPTS = (
    "Старый мост у деревни ведёт к мельнице, а за ней начинается лес.",
    "村子旁边的旧桥通向磨坊，磨坊后面是一片很大的森林和一条安静的河流。",
    "الجسر القديم بجانب القرية يؤدي إلى المطحنة وخلفها غابة كبيرة هادئة",
    "Η παλιά γέφυρα κοντά στο χωριό οδηγεί στον μύλο και στο μεγάλο δάσος.",
    "गाँव के पास का पुराना पुल चक्की की ओर जाता है और उसके पीछे एक बड़ा जंगल है।",
    "마을 옆의 오래된 다리는 방앗간으로 이어지고 그 뒤에는 큰 숲이 있습니다 그리고 강",
)

_OTHER_LANGUAGES = (
    "Die alte Brücke am Dorf führt zur Mühle, und hinter ihr beginnt der Wald.",
    "Le vieux pont près du village mène au moulin, et derrière commence la forêt.",
    "El viejo puente cerca del pueblo lleva al molino, y detrás empieza el bosque.",
    "Il vecchio ponte vicino al paese porta al mulino, e dietro comincia il bosco.",
    "De oude brug bij het dorp leidt naar de molen, en daarachter begint het bos.",
    "Stary most koło wsi prowadzi do młyna, a za nim zaczyna się duży las.",
    "Den gamla bron vid byn leder till kvarnen, och bakom den börjar skogen.",
    "A ponte velha perto da aldeia leva ao moinho, e atrás dele começa a floresta.",
)


def _one_of(texts: Sequence[str]) -> Callable[[str, Random], str | None]:
    def change(answer: str, random: Random) -> str:
        del answer
        return random.choice(texts)

    return change


def _same_sentence(data: DataSet, index: int, random: Random) -> Plant:
    """One sentence that answers several rows; more than the check asks for, since others draw the same rows."""
    text = f"{_BOILERPLATE[:-1]} or about case {index}."
    first = index - index % _BOILERPLATE_ROWS
    of_group = [place for place in range(first, first + _BOILERPLATE_ROWS) if place < len(data.rows)]
    data.rows += [Row(question(random), text) for _ in range(_BOILERPLATE_ROWS - len(of_group))]
    for place in of_group:
        data.rows[place] = Row(data.rows[place].given, text)
    return Plant((place_of(index),), text)


def _cut(answer: str, random: Random) -> str | None:
    """Stopped by a length limit, in the middle of a sentence of prose."""
    if "\n" in answer:
        return None
    places = [match.start() for match in re.finditer(r"(?<=[a-z,]) (?=[a-z])", answer)]
    return answer[: random.choice(places[len(places) // 2 :])]


def _looped(answer: str, random: Random) -> str:
    start = answer[: random.randint(0, 20)]
    return start + (sentence(random) + " ") * random.randint(10, 20)


def _very_long(answer: str, random: Random) -> str:
    return answer + " " + " ".join(sentence(random) for _ in range(120))


def _one_character(answer: str, random: Random) -> str:
    return random.choice(answer.replace(" ", "")[:20])


# Answers whose form is broken


def _cut_json(answer: str, random: Random) -> str:
    return answer[: random.randint(len(answer) // 2, len(answer) - 2)]


def _broken_json(answer: str, random: Random) -> str:
    return random.choice(
        (
            f"Here it is: {answer}",
            f"{answer}\nIs there anything else?",
            answer.replace('"', "'"),
            answer.replace("null", "NaN"),
            answer[:-1] + ', "state": "open"}',
            answer[:-1] + ",}",
        )
    )


def _drifted(answer: str, random: Random) -> str:
    fields = json.loads(answer)
    others = (
        {key: value for key, value in fields.items() if key != "count"},
        {**fields, "comment": "fine"},
        {**fields, "count": str(fields["count"])},
        {**fields, "state": "Open."},
        {**fields, "tags": "none"},
        dict(reversed(fields.items())),
        {"result": fields},
    )
    return json.dumps(random.choice(others))


def _broken_code(answer: str, random: Random) -> str:
    return random.choice(
        (
            answer[: answer.rindex("(")] + "(",
            answer.replace(":\n", "\n", 1),
            answer.replace("    return", "  return").replace("      return", "        return", 1),
            answer.replace('"""', "'", 1),
            answer.replace("return min(", "return min((", 1),
            f"Sure, here is the function:\n{answer}",
        )
    )


def _broken_block(answer: str, random: Random) -> str:
    code = random.choice(('print("hello"', "for x in range(3)\n    print(x)", "def f(:\n    pass", "x = = 1"))
    return f"{answer}\n```python\n{code}\n```\n"


def _unfilled(answer: str, random: Random) -> str:
    variable = random.choice(("{{name}}", "{{ customer.first_name }}", "{{ORDER_ID}}", "{{ author }}"))
    return f"{answer} Ask {variable} about it."


ANSWER_DEFECTS: tuple[Defect, ...] = (
    Defect("UTF-8 read as Windows-1252", "mojibake", "text", in_answer(_misread("cp1252")), 0.9),
    Defect("UTF-8 read as Latin-1", "mojibake", "text", in_answer(_misread("latin-1")), 0.9),
    Defect("characters lost", "mojibake", "text", in_answer(_lost)),
    Defect("an invisible character", "invisible_characters", "text", in_answer(_with_invisible)),
    Defect("a refusal", "refusals", "text", in_answer(_one_of(_REFUSALS)), 0.6),
    Defect("a placeholder", "empty_or_boilerplate_answers", "text", in_answer(_one_of(_PLACEHOLDERS))),
    Defect("one sentence for many", "empty_or_boilerplate_answers", "text", _same_sentence),
    Defect("cut in a sentence, in 1 % of the rows", "truncated_answers", "text", in_answer(_cut), share=0.01),
    Defect("cut in a sentence, in 3 % of the rows", "truncated_answers", "text", in_answer(_cut), 0.2),
    Defect("a sentence in a loop", "repetition", "text", in_answer(_looped)),
    Defect("another script", "language_mix", "text", in_answer(_one_of(_OTHER_SCRIPTS))),
    Defect("another language of the same script", "language_mix", "text", in_answer(_one_of(_OTHER_LANGUAGES))),
    Defect("ten times as long", "lengths", "text", in_answer(_very_long)),
    Defect("a single character", "lengths", "text", in_answer(_one_character)),
    Defect("JSON cut off", "invalid_json", "json", in_answer(_cut_json)),
    Defect("JSON with text, quotes or keys that break it", "invalid_json", "json", in_answer(_broken_json)),
    Defect("JSON of another shape", "json_drift", "json", in_answer(_drifted)),
    Defect("a function that does not parse", "code_does_not_parse", "code", in_answer(_broken_code)),
    Defect("a code block that does not parse", "code_does_not_parse", "text", in_answer(_broken_block)),
    Defect("a variable of a template", "unfilled_placeholders", "text", in_answer(_unfilled)),
)
