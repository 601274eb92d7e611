"""What can be said about a person with a value that others may share, such as an age: it is never asked back."""

from tunewright.data.skills.item import Draw
from tunewright.data.skills.relation import Relation, a_date, an_email, bank, lines
from tunewright.data.skills.words import COLOURS, FOODS, JOBS, MUSIC, any_word

_JOBS = JOBS.only(lambda job: job[0] not in "aeiou")


def _job(draw: Draw) -> str:
    """Pick a job that goes with the article `a` of the statements."""
    return any_word(draw, _JOBS)


SHARED_RELATIONS: tuple[Relation, ...] = (
    Relation(
        "person", "job", "job", _job,
        lines("""
        {s} works as a {v}.
        {s} is a {v}.
        {s} earns a living as a {v}.
        By trade, {s} is a {v}.
        The job of {s} is that of a {v}.
        Working as a {v} is what {s} does all week.
        As a {v}, {s} is busy every day.
        """),
        bank("""
        What is the job of {s}?
        What does {s} do for a living?
        What does {s} work as?
        Which kind of work does {s} do?
        Can you tell me what {s} does for a living?
        Name the profession of {s}.
        How does {s} earn money?
        Which trade has {s} chosen?
        What is {s} by trade?
        I would like to know what work {s} does.
        Do you know which occupation {s} has?
        Please say how {s} makes a living.
        According to the text, what is the occupation of {s}?
        Tell me what {s} works as.
        What profession does {s} follow?
        By what work does {s} earn a wage?
        """),
    ),
    Relation(
        "person", "age", "age", lambda draw: draw.whole(3, 99),
        lines("""
        {s} is {v} years old.
        At the age of {v}, {s} is well known here.
        {s} has turned {v}.
        {v} is the age of {s}.
        The age of {s} is {v}.
        {s} has lived for {v} years.
        {v} years have passed since {s} was a newborn baby.
        """),
        bank("""
        How old is {s}?
        How many years old is {s}?
        At what age is {s}?
        How many years has {s} lived?
        Can you tell me how old {s} is?
        What age is {s}?
        I would like to know how many years old {s} is.
        Do you know what age {s} has reached?
        What age has {s} turned?
        Tell me how old {s} is.
        According to the text, how old is {s}?
        How many candles would be on the birthday cake of {s}?
        Please say what age {s} is.
        Say how many years {s} has been alive.
        {s} is how old?
        For how many years has {s} been in the world?
        """),
    ),
    Relation(
        "person", "favourite colour", "colour", lambda draw: any_word(draw, COLOURS),
        lines("""
        {s} likes {v} more than any other colour.
        The favourite colour of {s} is {v}.
        Of all colours, {s} loves {v} best.
        No colour pleases {s} as much as {v}.
        {s} prefers {v} to every other colour.
        The colour {v} is dearest to {s}.
        When there is a choice of colours, {s} always takes {v}.
        """),
        bank("""
        Which colour does {s} like most?
        What colour does {s} prefer?
        What is the colour that {s} likes more than any other?
        Which is the best colour to {s}?
        Can you tell me which colour {s} loves?
        Name the colour that {s} likes best.
        I would like to know what colour pleases {s} most.
        Which colour would {s} choose?
        Do you know what colour {s} is fond of?
        Of all colours, which one does {s} like best?
        Tell me what colour {s} prefers.
        What colour is dearest to {s}?
        According to the text, which colour does {s} favour?
        Please say which colour {s} would pick.
        What colour does {s} love above all others?
        In the eyes of {s}, what is the nicest colour?
        """),
    ),
    Relation(
        "person", "birthday", "birthday", a_date,
        lines("""
        {s} was born on {v}.
        The birthday of {s} is {v}.
        {v} is the date of birth of {s}.
        On {v}, {s} was born.
        {v} is when {s} was born.
        The life of {s} began on {v}.
        The birth of {s} was on {v}.
        """),
        bank("""
        When was {s} born?
        On which date was {s} born?
        What is the date of birth of {s}?
        On what day did {s} come into the world?
        Can you tell me when {s} was born?
        Name the date on which {s} was born.
        I would like to know when {s} came into the world.
        Do you know which day is the birth date of {s}?
        Which day is the birthday of {s}?
        Tell me on which day {s} was born.
        When is the birthday of {s}?
        When did the life of {s} begin?
        According to the text, when was {s} born?
        Please say when {s} has a birthday.
        On what date does {s} have a birthday?
        What day saw the birth of {s}?
        """),
    ),
    Relation(
        "person", "breakfast", "breakfast", lambda draw: any_word(draw, FOODS),
        lines("""
        {s} has {v} for breakfast.
        For breakfast, {s} eats {v}.
        Every morning {s} eats {v} for breakfast.
        The breakfast of {s} is {v}.
        After getting up, {s} eats some {v}.
        With {v} for breakfast, {s} is happy.
        Some {v} is what {s} eats in the morning.
        """),
        bank("""
        What does {s} have for breakfast?
        What does {s} eat for breakfast?
        Which food does {s} eat for breakfast?
        What is on the breakfast plate of {s}?
        Can you tell me what {s} eats in the morning?
        Name the food that {s} has for breakfast.
        I would like to know what {s} eats at breakfast.
        With what food does {s} start the day?
        What is served to {s} in the morning?
        Do you know what {s} has for breakfast?
        Tell me what the breakfast of {s} is.
        Which dish does {s} eat after getting up?
        According to the text, what does {s} eat every morning?
        Please say what {s} likes to eat for breakfast.
        What food is the first meal of the day for {s}?
        What should I make if {s} comes to breakfast?
        """),
    ),
    Relation(
        "person", "email address", "email", an_email,
        lines("""
        {s} can be reached at {v}.
        The email address of {s} is {v}.
        Write to {s} at {v}.
        The address {v} is where {s} gets email.
        Emails for {s} go to {v}.
        With an email to {v}, you reach {s}.
        {s} reads every email sent to {v}.
        """),
        bank("""
        What is the email address of {s}?
        At which email address can {s} be reached?
        Which email address does {s} have?
        To which address do I send an email for {s}?
        Can you tell me how to reach {s} by email?
        Name the address at which {s} gets email.
        I would like to know where to send an email for {s}.
        Where should emails for {s} be sent?
        Do you know the address that {s} uses for email?
        Tell me at which address {s} reads email.
        Which email address is used by {s}?
        If I want to email {s}, what address do I type?
        According to the text, at what email address is {s} reached?
        Please say which email address belongs to {s}.
        Under what address does {s} receive email?
        What address do I need to write {s} an email?
        """),
    ),
    Relation(
        "person", "shoe size", "shoe_size", lambda draw: draw.whole(18, 52),
        lines("""
        {s} wears shoes of size {v}.
        The shoe size of {s} is {v}.
        {s} takes a size {v} in shoes.
        {v} is the size of the shoes that {s} wears.
        Only shoes of size {v} fit {s}.
        In size {v}, shoes fit {s} well.
        Size {v} shoes stand at the door of {s}.
        """),
        bank("""
        Which size of shoe does {s} wear?
        What size are the shoes of {s}?
        How big are the shoes of {s}?
        In what size should I buy shoes for {s}?
        Can you tell me what size of shoes {s} takes?
        Name the size of shoes that fits {s}.
        I would like to know which shoes fit {s}.
        How large must a shoe be to fit {s}?
        Do you know what shoe size {s} has?
        Tell me which size {s} wears in shoes.
        Which shoe size fits {s}?
        What number is on the shoes that {s} wears?
        According to the text, what size of shoe fits {s}?
        Please say what shoe size {s} takes.
        Which size of shoes does {s} need?
        Shoes of which size would suit {s}?
        """),
    ),
    Relation(
        "person", "instrument", "instrument", lambda draw: any_word(draw, MUSIC),
        lines("""
        {s} plays the {v}.
        The instrument of {s} is the {v}.
        {s} makes music on the {v}.
        On the {v}, {s} can play any tune.
        The {v} is what {s} plays in the band.
        Playing the {v} gives {s} great joy.
        In the orchestra, {s} plays the {v}.
        """),
        bank("""
        Which instrument does {s} play?
        What does {s} play in the band?
        On what does {s} make music?
        What kind of instrument has {s} learnt?
        Can you tell me what instrument {s} plays?
        Name the instrument that {s} plays.
        I would like to know which instrument {s} plays.
        On which instrument can {s} play a tune?
        Do you know what {s} plays in the orchestra?
        Tell me on which instrument {s} makes music.
        What musical instrument is played by {s}?
        With which instrument does {s} give concerts?
        According to the text, what instrument does {s} play?
        Please say which instrument {s} can play.
        Which instrument would {s} bring to the band?
        What does {s} practise on to make music?
        """),
    ),
)  # fmt: skip
