"""Personal data and secrets: what is found, what only looks like it, and what the finding says."""

import json
import sys

import pytest
from public_files import public_file

from tunewright.data.checks import secrets
from tunewright.data.checks.check import CheckedRow, checked_row
from tunewright.data.checks.personal import PERSONAL_DATA, PersonalKind, find_personal_data
from tunewright.data.checks.redact import placeholder
from tunewright.data.checks.secrets import SECRETS, find_secrets
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, Conversation, Example, Message, Provenance

E_MAIL, PHONE, IBAN, CARD = PersonalKind.EMAIL, PersonalKind.PHONE, PersonalKind.IBAN, PersonalKind.CARD
IP, SOCIAL_SECURITY = PersonalKind.IP, PersonalKind.SOCIAL_SECURITY


def row(question: str, answer: str) -> CheckedRow:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return checked_row(Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=3)))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to Ada.Lovelace+news@mail.co.uk.", E_MAIL, "Ada.Lovelace+news@mail.co.uk"),
        ("<mailto:o'neil@firma.de>", E_MAIL, "o'neil@firma.de"),
        ("email:ada@müller.de", E_MAIL, "ada@müller.de"),
        (r'{"note": "Contact:\nada@firma.de"}', E_MAIL, "ada@firma.de"),
        (r'{"note": "Contact:\n\tnora@firma.de"}', E_MAIL, "nora@firma.de"),
        (r"SHOP\ada@firma.de", E_MAIL, "ada@firma.de"),
        ("DE89 3704 0044 0532 0130 00", IBAN, "DE89 3704 0044 0532 0130 00"),
        ("to GB33BUKB20201555555555, please", IBAN, "GB33BUKB20201555555555"),
        ("IBAN GB33 BUKB 2020 1555 5555 55 OR CASH", IBAN, "GB33 BUKB 2020 1555 5555 55"),
        ("card 4532 2766 4457 7020", CARD, "4532 2766 4457 7020"),
        ("card 5213591727586604?", CARD, "5213591727586604"),
        ('{"card": 4532276644577020}', CARD, "4532276644577020"),
        ("amex 3782-822463-10005", CARD, "3782-822463-10005"),
        ("SSN: 531-21-7351", SOCIAL_SECURITY, "531-21-7351"),
        ("from 58.74.121.78:8080", IP, "58.74.121.78"),
        ("http://98.85.59.159/x", IP, "98.85.59.159"),
        ("ping 2a00:1450:4001:81b::200e now", IP, "2a00:1450:4001:81b::200e"),
        ("ring +44 20 7946 0958 now", PHONE, "+44 20 7946 0958"),
        ("+4915123456789", PHONE, "+4915123456789"),
        ("(212) 555-0132", PHONE, "(212) 555-0132"),
        ("212-555-0132", PHONE, "212-555-0132"),
        ("Paris: 01 42 68 53 00", PHONE, "01 42 68 53 00"),
        ("call me at (96) 627-277.", PHONE, "(96) 627-277"),
        ('{"phone": "2125550132"}', PHONE, "2125550132"),
        ("986.291.2294x751", PHONE, "986.291.2294x751"),
        ("001-825-741-0957", PHONE, "001-825-741-0957"),
        ("69 987 88 37 office\nParis", PHONE, "69 987 88 37"),
    ],
)
def test_personal_values_are_found_whole(text: str, kind: PersonalKind, value: str) -> None:
    assert [(found.kind, found.text) for found in find_personal_data(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "Born 1998-06-28 14:48:14, or 12/27/1986, or 01.02.2024, or 20240102.",
        "Order A-4821-7733-991 costs $1,299.00, ref. #2125550132.",
        "Version 10.2.33.104 of libfoo 1.2.3.4 (v98.85.59.159, Chrome/58.0.102.110).",
        "ISBN 978-3-16-148410-0 or 0-306-40615-2",
        "6000-2000 = <<6000-2000=4000>>4000; 960-480-120; 3000/1500; 16000 - 12500 = 3500",
        "cos(C) = -0.3571428571 and pi = 3.14159265358979",
        "pages 211-227 (2003), doi 10.1000/182, arXiv 1706.03762",
        "The years 1914-1918 and 1939-1945; 10 20 30 40 50 60 70",
        "for i in range(1234567890): x[1:2] = a::b; std::vector<int> v; 12:30:45:99",
        "127.0.0.1 0.0.0.0 10.1.2.3 192.168.1.44 203.0.113.77 8.8.8.8 300.1.2.99 224.0.0.251",
        "fe80::1 ::1 2001:db8::1 12::34",
        "ada@example.com, a@mail.example.org, me@yourdomain.com, root@localhost, @ada, @app.route",
        "npm i left-pad@1.3.0; git@github.com:ada/repo.git; postgres://ada:pw@db.host.com/x",
        "card 4532 2766 4457 7021 (wrong checksum), id 1234567812345670 (no issuer), 4532-2766-4457-7020-11",
        "DE88 3704 0044 0532 0130 00 (wrong checksum), AB12 CDEF GHIJ KLMN",
        "531-00-7351 and 666-21-7351 were never issued",
        "timestamp 1623456789, id=2125550132, population 331449281",
        "(1627–1691) 721–742. 2018",
    ],
)
def test_dates_prices_versions_sums_and_reserved_values_are_not_personal(text: str) -> None:
    assert find_personal_data(text) == ()


def test_presidio_sample_is_found_completely() -> None:
    sample = public_file("dirty/presidio_pii/generated_small.json")
    looked_for = {"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IP_ADDRESS", "US_SSN", "IBAN_CODE"}
    missed, num_wanted, num_found = [], 0, 0
    for item in json.loads(sample.read_text(encoding="utf-8")):
        found = {value.text for value in find_personal_data(item["full_text"])}
        wanted = {span["entity_value"] for span in item["spans"] if span["entity_type"] in looked_for}
        missed += wanted - found
        num_wanted, num_found = num_wanted + len(wanted), num_found + len(found)
    assert missed == []
    assert num_found == num_wanted == 27  # and nothing else is taken for personal data


def test_a_finding_names_kinds_and_numbers_and_redacts_only_when_asked() -> None:
    rows = (row("Who? ada@mail.de and bob@mail.de", "Call +44 20 7946 0958."), row("Who?", "Nobody."))
    (finding,) = PERSONAL_DATA.find(rows, CheckRecipe())
    assert finding.example_ids == (rows[0].id,)
    assert finding.locations == ("rows.jsonl:3",)
    assert finding.explanation == "The row holds personal data: 2 × e-mail address, 1 phone number."
    assert finding.edited_text == ()
    (redacted,) = PERSONAL_DATA.find(rows, CheckRecipe(redact=True))
    assert redacted.edited_text == (
        ("+44 20 7946 0958", "+00 00 0000 0000"),
        ("ada@mail.de", "xxx@example.com"),
        ("bob@mail.de", "xxx@example.com"),
    )


GITHUB = "ghp_" + "a1B2c3D4e5F6" * 3
KEY_BODY = "\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 3


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("key AKIAQ7LMN2XW4RTY6BCD.", "AWS Access Key", "AKIAQ7LMN2XW4RTY6BCD"),
        (f"git clone with {GITHUB}\nplease", "GitHub Token", GITHUB),
        ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "JSON Web Token", None),
        ("token = 'glpat-a1B2c3D4e5F6g7H8i9J0'", "GitLab Token", "glpat-a1B2c3D4e5F6g7H8i9J0"),
        ("stripe " + "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "Stripe Access Key", None),
        ("postgres://ada:hu7Zter9@db.host.com/x", "Basic Auth Credentials", "hu7Zter9"),
        ('db_password = "hu7Zter9!"', "a value behind a word such as password or api_key", "hu7Zter9!"),
        (f"-----BEGIN RSA PRIVATE KEY-----{KEY_BODY}-----END RSA PRIVATE KEY-----", "Private Key", KEY_BODY),
        ("aws_secret_key = 'q7LMN2XW4RTY6BCDq7LMN2XW4RTY6BCDq7LMN2XW'", "AWS Access Key", None),
    ],
)
def test_keys_tokens_and_passwords_are_found(text: str, kind: str, value: str | None) -> None:
    (secret,) = find_secrets(text)
    assert secret.kind == kind
    assert text[secret.start : secret.end] == secret.text
    assert value in (None, secret.text)


@pytest.mark.parametrize(
    "text",
    [
        "The secret of a good password: 'length' and \"luck\".",
        'password = "<password>"; password = "yourpassword1"; api_key: "${API_KEY}"; pwd = "********"',
        "api_key = os.environ['API_KEY_2']",
        "http://user:password@host.example/path and https://docs.python.org:443/3/library",
        "a file starts with -----BEGIN RSA PRIVATE KEY----- and the key follows",
        "APPROXIMATELY APARTMENTS APATHETICALLY donaudampfschifffahrtsgesellschaft2",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "id 123e4567-e89b-12d3-a456-426614174000, AKIAIOSFODNN7EXAMPLE, eyJhbGciOi.not.json",
        'primary_key = "customer_id"; keyboard: "US", monkey = "x1"',
        "ghp_" + "x" * 30 + "000000",
        "",
    ],
)
def test_placeholders_hashes_and_talk_about_secrets_are_not_secrets(text: str) -> None:
    assert find_secrets(text) == ()


def test_a_secret_blocks_and_is_not_copied_into_the_report() -> None:
    rows = (row("How do I clone?", f"Use {GITHUB}."),)
    assert SECRETS.severity == "blocking"
    (finding,) = SECRETS.find(rows, CheckRecipe())
    assert finding.explanation == "The row seems to hold a secret: GitHub Token."
    assert finding.evidence == ("Use ghp_….",)
    assert finding.edited_text == ()
    (redacted,) = SECRETS.find(rows, CheckRecipe(redact=True))
    ((old, new),) = redacted.edited_text
    assert old == GITHUB
    assert find_secrets(f"Use {new}.") == ()


def test_no_secret_of_a_row_is_copied_into_its_finding() -> None:
    text = f'aws_access_key_id = AKIAQ7LMN2XW4RTY6BCD and token {GITHUB}, or hu7Zter9!, since password = "hu7Zter9!"'
    (finding,) = SECRETS.find((row("How?", text),), CheckRecipe())
    assert finding.evidence == ('aws_access_key_id = AKIA… and token ghp_…, or hu7Z…, since password = "hu7Z…"',)


@pytest.mark.parametrize("hiding", ["\u200b", "\u00ad", "â€‹"])
def test_a_character_that_is_removed_hides_neither_a_secret_nor_personal_data(hiding: str) -> None:
    hidden = row(
        "Who?", f"Use ghp_a1B2{hiding}{GITHUB[8:]}, ada.love{hiding}lace@gmail.com or +1 (415){hiding}555-2671."
    )
    (secret,) = SECRETS.find((hidden,), CheckRecipe(redact=True))
    assert secret.edited_text == ((GITHUB, placeholder(GITHUB)),)
    (personal,) = PERSONAL_DATA.find((hidden,), CheckRecipe(redact=True))
    assert [old for old, _ in personal.edited_text] == ["ada.lovelace@gmail.com", "+1 (415)555-2671"]


def test_a_value_that_stays_in_pieces_is_not_put_together() -> None:
    hidden = row("Who?", "Write to ada@mail.de or ada.love\u200blace@gmail.com.")
    recipe = CheckRecipe(redact=True, skip=("invisible_characters",))
    (personal,) = PERSONAL_DATA.find((hidden,), recipe)
    assert [old for old, _ in personal.edited_text] == ["lace@gmail.com", "ada@mail.de"]


def test_a_long_line_of_assignments_costs_linear_time() -> None:
    line = 'key = "' + "a b " * 20_000 + '"; ' + 'password = "" ' * 2_000
    assert find_secrets(line) == ()
    assert find_secrets("-----BEGIN PRIVATE KEY-----" + "\n" * 100_000 + "!") == ()


@pytest.mark.parametrize(
    ("module", "package", "text"),
    [
        ("phonenumbers", "phonenumbers", "call 212-555-0132"),
        ("stdnum.iban", "python-stdnum", "DE89 3704 0044 0532 0130 00"),
        ("stdnum.luhn", "python-stdnum", "4532 2766 4457 7020"),
        ("stdnum.us.ssn", "python-stdnum", "531-21-7351"),
        ("detect_secrets.core.plugins.util", "detect-secrets", "key AKIAQ7LMN2XW4RTY6BCD"),
    ],
)
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, module: str, package: str, text: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    parent, _, name = module.rpartition(".")
    if parent in sys.modules:
        monkeypatch.delattr(sys.modules[parent], name, raising=False)
    secrets._token_plugins.cache_clear()
    with pytest.raises(MissingExtraError, match=rf"{package} is needed to .* 'tunewright\[data\]'"):
        (find_personal_data(text), find_secrets(text))
