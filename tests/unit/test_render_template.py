"""Chat templates: what they see, and what a hostile one cannot do."""

import pytest

from tunewright.errors import RenderError
from tunewright.records import Message
from tunewright.render.template import MAX_QUOTED_CHARACTERS, PLAIN_TEMPLATE, ChatTemplate

MESSAGES = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="2 < 3 & 'x'?"),
    Message(role="assistant", content="Yes"),
)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def render(source: str, *, add_generation_prompt: bool = False) -> str:
    template = ChatTemplate(source, TOKENS)
    return template.render(MESSAGES, add_generation_prompt=add_generation_prompt, where="rows.jsonl:7")


def test_the_plain_template_uses_plain_words_and_ends_answers() -> None:
    assert render(PLAIN_TEMPLATE, add_generation_prompt=True) == (
        "<s>### System:\nBe brief.\n\n### User:\n2 < 3 & 'x'?\n\n### Assistant:\nYes</s>\n\n### Assistant:\n"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% if true %}\n  a\n{% endif %}\nb", "  a\nb"),
        ("{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ m['role'] }}{% endfor %}", "system"),
        ("{{ messages[1].content | tojson }}", "\"2 < 3 & 'x'?\""),
        ("{{ {'b': 'é', 'a': 1} | tojson(sort_keys=true) }}", '{"a": 1, "b": "é"}'),
        ("{% generation %}{{ messages[2].content }}{% endgeneration %}!", "Yes!"),
        ("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024"),
        ("{% if tools %}tools{% endif %}{{ unknown }}{{ eos_token * 2 }}", "</s></s>"),
        ("{% for i in range(3) %}{{ i * 2 }}{% endfor %}", "024"),
        ("{{ 1 ~ 'a' ~ none }}{{ [1] + [2] }}{{ 1 + 2 }}", "1aNone[1, 2]3"),
        (
            "{% macro m(x='d') %}{{ x }}{{ caller() if caller }}{% endmacro %}{% call m() %}c{% endcall %}{{ m(1) }}",
            "dc1",
        ),
        ("{% for a in [[1, [2]], 3] recursive %}{{ loop(a) if a is iterable else a }}{% endfor %}", "123"),
        (
            "{% for a in [] %}a{% else %}none{% endfor %}{% for a in [1, 2] if a > 1 %}{{ loop.first }}{% endfor %}",
            "noneTrue",
        ),
    ],
)
def test_templates_see_what_transformers_gives_them(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ raise_exception('System role not supported') }}", "System role not supported"),
        ("{{ messages[9].content }}", "UndefinedError"),
        ("{{ unknown() }}", "'unknown' is undefined"),
        ("{{ 1 + 'a' }}", "TypeError"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_failing_template_is_quoted_with_the_row(source: str, message: str) -> None:
    with pytest.raises(RenderError, match=rf"rows\.jsonl:7: found messages .*{message}"):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'].__mro__ }}",
        "{{ ''|attr('__class__')|attr('__mro__') }}",
        "{{ '{0.__class__.__mro__}'.format('') }}",
        "{{ raise_exception.__globals__ }}",
        "{{ range.__closure__[0] }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ messages.append('x') }}",
        "{{ messages[0].update(role='user') }}",
        "{% include 'config.json' %}",
    ],
)
def test_a_template_cannot_reach_python_or_change_messages(source: str) -> None:
    with pytest.raises(RenderError, match=r"SecurityError|UndefinedError|no loader"):
        render(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 'x' * 10000000000 }}", "makes a value of 10,000,000,000 items"),
        ("{{ 10000000000 * [1] }}", "makes a value of"),
        ("{{ 9 ** 9 ** 9 }}", "powers are not available"),
        ("{% for i in range(1000000000) %}x{% endfor %}", "more than 100,000 items"),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "more than 100,000 items"),
        ("{{ range(10 ** 3) }}", "powers are not available"),
        ("{% for i in range(90000) %}{{ 'twelve chars' }}{% endfor %}", "wrote more than 1,000,000 characters"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        (f"{{% set x = messages[0].content %}}{'{% set x = x + x %}' * 40}", "makes a value of"),
        (f"{{% set x = messages[0].content %}}{'{% set x = x ~ x %}' * 40}", "makes a value of"),
        (f"{{% set x = [1] %}}{'{% set x = x + x %}' * 40}", "makes a value of"),
        (f"{'{% for a in messages[0].content %}' * 12}{'{% endfor %}' * 12}", "takes more than 0.5 s"),
        (
            "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
            "more than 0.5 s",
        ),
        ("{% for a in [1, 2] recursive %}{{ loop([1, 2]) if loop.depth < 60 }}{% endfor %}", "more than 0.5 s"),
        (
            "{% set x = 'x' * 999999 %}{% for i in range(99999) %}{% set y = x | reverse %}{% endfor %}",
            "more than 0.5 s",
        ),
    ],
)
@pytest.mark.timeout(20)
def test_runaway_templates_are_stopped(source: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewright.render.template.MAX_SECONDS", 0.5)
    with pytest.raises(RenderError, match=message):
        render(source)


@pytest.mark.parametrize("source", ["{{ [1, 2] | random }}", "{% if true %}", "{{ messages | unknown }}"])
def test_a_template_that_is_not_jinja_or_draws_lots_does_not_compile(source: str) -> None:
    with pytest.raises(RenderError, match=r"the base's chat template: .*does not compile"):
        ChatTemplate(source, TOKENS)


def test_a_long_complaint_is_shortened() -> None:
    with pytest.raises(RenderError) as caught:
        render("{{ raise_exception('x' * 5000) }}")
    assert len(str(caught.value)) < MAX_QUOTED_CHARACTERS + 250
