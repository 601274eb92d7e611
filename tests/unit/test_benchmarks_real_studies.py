"""What the studies on public data make of a query, and what they write about a study."""

import pytest
import real_studies
import real_study_rows
from study_fixture import ARMS, build_study

from tunewright.records import Estimate, SliceResult, UpdatedArm, Verdict

ALIAS = "TABLEalias0"


@pytest.mark.parametrize(
    ("query", "variables", "sql"),
    [
        (f"SELECT {ALIAS}.NOTES_FIELD FROM TABLE AS {ALIAS} ;", {}, "SELECT notes FROM t"),
        (f"SELECT MIN {ALIAS}.SCOTLAND_FIELD FROM TABLE AS {ALIAS} ;", {}, "SELECT min(scotland) FROM t"),
        (
            f"SELECT {ALIAS}.TEAM(S)_FIELD FROM TABLE AS {ALIAS} "
            f'WHERE {ALIAS}.WINS_FIELD > var1 AND {ALIAS}.CAR_FIELD = "var0" ;',
            {"var0": "O'Neil", "var1": "2.5"},
            "SELECT team_s FROM t WHERE car = 'O''Neil' AND wins > 2.5",
        ),
        (f"SELECT {ALIAS}.A_FIELD FROM TABLE AS {ALIAS} WHERE something else ;", {}, None),
        ("SELECT COUNT( * ) FROM X ;", {}, None),
        (f"SELECT {ALIAS}.#_FIELD FROM TABLE AS {ALIAS} ;", {}, None),
        (f"SELECT {ALIAS}.A_FIELD FROM TABLE AS {ALIAS} WHERE {ALIAS}.#_FIELD = 3 ;", {}, None),
    ],
)
def test_a_query_is_written_in_plain_sql_with_its_conditions_in_order(
    query: str, variables: dict[str, str], sql: str | None
) -> None:
    assert real_study_rows._sql(query, variables) == sql


def test_a_section_has_every_arm_the_decision_the_sources_and_who_followed() -> None:
    half = Estimate(value=0.5, low=0.4, high=0.6, num_rows=96)
    study = build_study()
    slices = tuple(
        SliceResult(slice="source", value=source, arm=arm, metric="json_fields", num_items=48, estimate=half)
        for source in ("tickets", "questions")
        for arm in ARMS
    )
    followed = UpdatedArm(
        arm="tuned", reads_documents=False, before=half, after=half, share_new=half, num_new=3, num_old=9,
        num_items=20, verdict=Verdict.WORSE,
    )  # fmt: skip
    environment = study.environment.model_copy(update={"packages": {"torch": "2.13"}})
    report = study.model_copy(update={"slices": slices, "updated": (followed,), "environment": environment})
    text = real_studies.section(real_studies.STUDIES[0], report)
    assert f"**{study.decision.headline}**" in text
    assert all(f"| {arm} | " in text for arm in ARMS)
    assert "| arm | tickets (n = 48) | questions (n = 48) |" in text
    assert "| tuned | 3 | 9 | 8 | keeps the old |" in text
    others = [metric.title for metric in study.metrics if metric.name != study.headline_metric]
    assert others
    assert f"| arm | {' | '.join(others)} |" in text
