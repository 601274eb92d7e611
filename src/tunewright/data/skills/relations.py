"""What can be said about nonce people, places, objects, events and orders.

A relation says one thing about one kind of subject. It can be stated, asked for, and named as a JSON key. Each bank of
questions holds its fourth question back for held-out items.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tunewright.data.skills.item import Draw, Parted
from tunewright.data.skills.words import COLOURS, FOODS, JOBS, MATERIALS, ROOMS

Value = str | int
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _date(draw: Draw) -> str:
    day, month = draw.whole(1, 28), draw.choice(_MONTHS)
    return f"{day} {month} {draw.whole(1900, 2029)}" if draw.chance(0.5) else f"{month} {day}"


def _time(draw: Draw) -> str:
    return f"{draw.whole(1, 12)}:{draw.whole(0, 59):02}"


def full_name(draw: Draw) -> str:
    """Make the name of a person, now and then with a second name."""
    return f"{draw.name()} {draw.name()}" if draw.chance(0.3) else draw.name()


def _email(draw: Draw) -> str:
    return f"{draw.word()}@{draw.word()}.org"


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One thing that can be said about a kind of subject: {s} is the subject and {v} the value."""

    subject_kind: str
    attribute: str
    """What the value is to its subject, for questions such as `What is the price of the blorp?`"""
    key: str
    """The JSON key, unique within the kind of subject."""
    value: Callable[[Draw], Value]
    statements: tuple[str, ...]
    questions: Parted
    reverse: Parted | None = None
    """Questions for the subject by its value, where values are nonce and so belong to one subject."""


RELATIONS: tuple[Relation, ...] = (
    Relation(
        "person", "home town", "town", Draw.name,
        ("{s} lives in {v}.", "The home of {s} is in {v}.", "{s} has a house in {v}."),
        Parted(
            "Where does {s} live?", "In which town does {s} live?", "Which town is the home of {s}?",
            "What is the name of the town where {s} has a home?",
        ),
        Parted(
            "Who lives in {v}?", "Which person has a home in {v}?", "Name the person who lives in {v}.",
            "Whose house is in {v}?",
        ),
    ),
    Relation(
        "person", "job", "job", lambda draw: draw.pick(JOBS),
        ("{s} works as a {v}.", "{s} is a {v}.", "{s} earns a living as a {v}."),
        Parted(
            "What is the job of {s}?", "What does {s} do for a living?", "What does {s} work as?",
            "Which kind of work does {s} do?",
        ),
    ),
    Relation(
        "person", "teacher", "teacher", Draw.name,
        ("The teacher of {s} is {v}.", "{s} takes lessons from {v}.", "{s} is taught by {v}."),
        Parted(
            "Who teaches {s}?", "Who is the teacher of {s}?", "From whom does {s} take lessons?",
            "By whom is {s} taught?",
        ),
        Parted(
            "Who takes lessons from {v}?", "Whom does {v} teach?", "Who is taught by {v}?",
            "Who has {v} as a teacher?",
        ),
    ),
    Relation(
        "person", "pet", "pet", Draw.name,
        ("{s} has a pet called {v}.", "The pet of {s} is named {v}.", "{s} looks after a pet, {v}."),
        Parted(
            "What is the pet of {s} called?", "Which pet does {s} have?", "What is the name of the pet of {s}?",
            "How is the pet of {s} named?",
        ),
        Parted(
            "Who has a pet called {v}?", "Whose pet is {v}?", "Who looks after {v}?", "Who is the owner of the pet {v}?"
        ),
    ),
    Relation(
        "person", "age", "age", lambda draw: draw.whole(3, 99),
        ("{s} is {v} years old.", "At the age of {v}, {s} is well known here.", "{s} has turned {v}."),
        Parted(
            "How old is {s}?", "How many years old is {s}?", "At what age is {s}?", "How many years has {s} lived?"
        ),
    ),
    Relation(
        "person", "favourite colour", "colour", lambda draw: draw.pick(COLOURS),
        ("{s} likes {v} more than any other colour.", "The favourite colour of {s} is {v}."),
        Parted(
            "Which colour does {s} like most?", "What colour does {s} prefer?",
            "What is the colour that {s} likes more than any other?", "Which is the best colour to {s}?",
        ),
    ),
    Relation(
        "person", "birthday", "birthday", _date,
        ("{s} was born on {v}.", "The birthday of {s} is {v}.", "{v} is the date of birth of {s}."),
        Parted(
            "When was {s} born?", "On which date was {s} born?", "What is the date of birth of {s}?",
            "On what day did {s} come into the world?",
        ),
    ),
    Relation(
        "person", "badge number", "badge", Draw.code,
        ("{s} has the badge number {v}.", "The badge number of {s} is {v}.", "{s} wears badge {v}."),
        Parted(
            "Which badge number does {s} have?", "What is written on the badge of {s}?", "Which badge does {s} wear?",
            "What number is on the badge that {s} has?",
        ),
        Parted(
            "Who wears badge {v}?", "Who has the badge number {v}?", "To whom does badge {v} belong?",
            "Whose badge has the number {v}?",
        ),
    ),
    Relation(
        "person", "breakfast", "breakfast", lambda draw: draw.pick(FOODS),
        ("{s} has {v} for breakfast.", "For breakfast, {s} eats {v}.", "Every morning {s} eats {v} for breakfast."),
        Parted(
            "What does {s} have for breakfast?", "What does {s} eat for breakfast?",
            "Which food does {s} eat for breakfast?", "What is on the breakfast plate of {s}?",
        ),
    ),
    Relation(
        "person", "email address", "email", _email,
        ("{s} can be reached at {v}.", "The email address of {s} is {v}.", "Write to {s} at {v}."),
        Parted(
            "What is the email address of {s}?", "At which email address can {s} be reached?",
            "Which email address does {s} have?", "To which address do I send an email for {s}?",
        ),
    ),
    Relation(
        "place", "river", "river", Draw.name,
        ("The {v} river flows through {s}.", "{s} lies on the {v} river.", "The river in {s} is called {v}."),
        Parted(
            "Which river flows through {s}?", "What is the river in {s} called?", "On which river does {s} lie?",
            "What river can be seen in {s}?",
        ),
        Parted(
            "Which town lies on the {v} river?", "Through which town does the {v} river flow?",
            "Where is the {v} river?", "In what town can the {v} river be seen?",
        ),
    ),
    Relation(
        "place", "mayor", "mayor", Draw.name,
        ("The mayor of {s} is {v}.", "{v} is the mayor of {s}.", "In {s}, the mayor is {v}."),
        Parted(
            "Who is the mayor of {s}?", "Who is mayor in {s}?", "Name the mayor of {s}.",
            "Which mayor does {s} have?",
        ),
        Parted(
            "Which town has {v} as its mayor?", "Where is {v} the mayor?", "Of which town is {v} the mayor?",
            "In what town does the mayor {v} work?",
        ),
    ),
    Relation(
        "place", "population", "population", lambda draw: draw.whole(11, 9999),
        ("{v} people live in {s}.", "{s} has {v} inhabitants.", "The population of {s} is {v}."),
        Parted(
            "How many people live in {s}?", "How many inhabitants does {s} have?", "How big is the population of {s}?",
            "What number of people does {s} have?",
        ),
    ),
    Relation(
        "place", "founding year", "founded", lambda draw: draw.whole(1100, 1999),
        ("{s} was founded in {v}.", "The founding year of {s} is {v}.", "People founded {s} in {v}."),
        Parted(
            "When was {s} founded?", "In which year was {s} founded?", "What year was {s} founded in?",
            "Since which year has there been a town called {s}?",
        ),
    ),
    Relation(
        "place", "best known product", "product", Draw.word,
        ("{s} is known for its {v}.", "Many people come to {s} for its {v}.", "{s} is famous because of its {v}."),
        Parted(
            "What is {s} known for?", "What is {s} famous for?", "For what do people come to {s}?",
            "What has made {s} famous?",
        ),
        Parted(
            "Which town is known for its {v}?", "Where do people go for the {v}?", "Which place is famous for its {v}?",
            "What town became famous because of its {v}?",
        ),
    ),
    Relation(
        "thing", "colour", "colour", lambda draw: draw.pick(COLOURS),
        ("{s} is {v}.", "The colour of {s} is {v}.", "Someone has painted {s} {v}."),
        Parted(
            "What colour is {s}?", "Which colour is {s}?", "Which colour does {s} have?",
            "In what colour is {s} painted?",
        ),
    ),
    Relation(
        "thing", "place", "place", lambda draw: draw.pick(ROOMS),
        ("{s} is in the {v}.", "{s} is kept in the {v}.", "You can find {s} in the {v}."),
        Parted(
            "Where is {s}?", "In which place is {s} kept?", "Where can I find {s}?",
            "Where do I have to look for {s}?",
        ),
    ),
    Relation(
        "thing", "maker", "maker", Draw.name,
        ("{s} was made by {v}.", "{v} made {s}.", "The maker of {s} is {v}."),
        Parted("Who made {s}?", "By whom was {s} made?", "Who is the maker of {s}?", "Whose work is {s}?"),
    ),
    Relation(
        "thing", "price", "price", lambda draw: draw.whole(2, 999),
        ("{s} costs {v} coins.", "The price of {s} is {v} coins.", "You can buy {s} for {v} coins."),
        Parted(
            "How many coins does {s} cost?", "For how many coins can I buy {s}?", "How many coins is the price of {s}?",
            "How many coins do I have to pay for {s}?",
        ),
    ),
    Relation(
        "thing", "material", "material", lambda draw: draw.pick(MATERIALS),
        ("{s} is made of {v}.", "The material of {s} is {v}.", "{s} consists of {v}."),
        Parted(
            "What is {s} made of?", "Which material is {s} made of?", "Of what does {s} consist?",
            "What stuff is {s}?",
        ),
    ),
    Relation(
        "event", "date", "date", _date,
        ("{s} is on {v}.", "{s} takes place on {v}.", "The date of {s} is {v}."),
        Parted("When is {s}?", "On which date is {s}?", "What is the date of {s}?", "On what day does {s} take place?"),
    ),
    Relation(
        "event", "starting time", "time", _time,
        ("{s} begins at {v}.", "{s} starts at {v}.", "The starting time of {s} is {v}."),
        Parted(
            "At what time does {s} begin?", "When does {s} start?", "At which time does {s} start?",
            "At what hour should I come to {s}?",
        ),
    ),
    Relation(
        "event", "host", "host", Draw.name,
        ("The host of {s} is {v}.", "{v} invites everyone to {s}.", "{s} has {v} as its host."),
        Parted(
            "Who is the host of {s}?", "Who invites people to {s}?", "Which host does {s} have?",
            "Who has called people to {s}?",
        ),
    ),
    Relation(
        "event", "number of guests", "guests", lambda draw: draw.whole(2, 500),
        ("{v} guests will come to {s}.", "{s} expects {v} guests.", "The number of guests of {s} is {v}."),
        Parted(
            "How many guests will come to {s}?", "How many guests does {s} expect?",
            "What is the number of guests of {s}?",
            "How many people are invited to {s}?",
        ),
    ),
    Relation(
        "order", "customer", "customer", full_name,
        ("{s} was placed by {v}.", "The customer of {s} is {v}.", "{v} placed {s}."),
        Parted(
            "Who placed {s}?", "Who is the customer of {s}?", "By whom was {s} placed?",
            "Which customer wants {s}?",
        ),
    ),
    Relation(
        "order", "item", "item", Draw.word,
        ("{s} is for a {v}.", "The item of {s} is a {v}.", "{s} asks for one {v}."),
        Parted("What is {s} for?", "Which item is {s} for?", "What does {s} ask for?", "What was bought with {s}?"),
        Parted(
            "Which order is for a {v}?", "Which order asks for one {v}?", "Name the order for a {v}.",
            "With which order was a {v} bought?",
        ),
    ),
    Relation(
        "order", "total", "total", lambda draw: draw.whole(2, 999),
        ("The total of {s} is {v} coins.", "{s} costs {v} coins in total.", "{v} coins are due for {s}."),
        Parted(
            "How many coins does {s} cost?", "What is the total of {s} in coins?", "How many coins are due for {s}?",
            "How many coins must be paid for {s}?",
        ),
    ),
    Relation(
        "order", "delivery date", "delivery", _date,
        ("{s} arrives on {v}.", "The delivery date of {s} is {v}.", "{s} will be delivered on {v}."),
        Parted(
            "When does {s} arrive?", "On which date will {s} be delivered?", "When will {s} be delivered?",
            "On what day is {s} brought?",
        ),
    ),
    Relation(
        "order", "city", "city", Draw.name,
        ("{s} goes to {v}.", "{s} is sent to {v}.", "The city for {s} is {v}."),
        Parted("Where does {s} go?", "To which city is {s} sent?", "Where is {s} sent?", "What city will {s} reach?"),
        Parted(
            "Which order goes to {v}?", "Which order is sent to {v}?", "Name the order that goes to {v}.",
            "What order will reach {v}?",
        ),
    ),
)  # fmt: skip
RELATIONS_BY_KIND: dict[str, tuple[Relation, ...]] = {
    kind: tuple(relation for relation in RELATIONS if relation.subject_kind == kind)
    for kind in ("person", "place", "thing", "event", "order")
}
