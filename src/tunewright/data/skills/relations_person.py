"""What can be said about a person."""

from tunewright.data.skills.item import Draw
from tunewright.data.skills.relation import Relation, a_date, an_email, bank, lines
from tunewright.data.skills.words import COLOURS, FOODS, JOBS, MUSIC


def _job(draw: Draw) -> str:
    """Pick a job that goes with the article `a` of the statements."""
    return draw.choice([job for job in JOBS.of(draw.part) if job[0] not in "aeiou"])


PERSON_RELATIONS: tuple[Relation, ...] = (
    Relation(
        "person", "home town", "town", Draw.name,
        lines("""
        {s} lives in {v}.
        The home of {s} is in {v}.
        {s} has a house in {v}.
        {v} is where {s} lives.
        {s} has made a home in {v}.
        In {v}, {s} has a small flat.
        {v} is the town that {s} calls home.
        """),
        bank("""
        Where does {s} live?
        In which town does {s} live?
        Which town is the home of {s}?
        What is the name of the town where {s} has a home?
        Can you tell me where {s} resides?
        Name the town where {s} dwells.
        I would like to know where {s} has a house.
        Do you know which town {s} calls home?
        Where is the home of {s}?
        According to the text, in which town does {s} reside?
        Please say where {s} is at home.
        If I wanted to visit {s} at home, which town would I go to?
        Tell me which town {s} lives in.
        In what town would I find the house of {s}?
        {s} lives in a town, but which one?
        Where has {s} settled down?
        """),
        bank("""
        Who lives in {v}?
        Which person has a home in {v}?
        Name the person who lives in {v}.
        Whose house is in {v}?
        Can you tell me who resides in {v}?
        Who calls {v} home?
        Who has settled in {v}?
        Do you know whose home is to be found in {v}?
        I would like to know who dwells in {v}.
        Tell me who has a house in {v}.
        According to the text, who lives in {v}?
        Who is it that makes {v} a home?
        """),
    ),
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
        "person", "teacher", "teacher", Draw.name,
        lines("""
        The teacher of {s} is {v}.
        {s} takes lessons from {v}.
        {s} is taught by {v}.
        {v} teaches {s}.
        {v} gives lessons to {s}.
        Every lesson that {s} takes is given by {v}.
        What {s} knows was learnt from {v}.
        """),
        bank("""
        Who teaches {s}?
        Who is the teacher of {s}?
        From whom does {s} take lessons?
        By whom is {s} taught?
        Can you tell me who teaches {s}?
        Name the person who gives lessons to {s}.
        Who gives {s} lessons?
        Do you know whose pupil {s} is?
        I would like to know from whom {s} learns.
        Whose student is {s}?
        Tell me who instructs {s}.
        With whom does {s} study?
        According to the text, by whom are lessons given to {s}?
        Please say who {s} is taught by.
        Which teacher does {s} have?
        Who passes knowledge on to {s}?
        """),
        bank("""
        Who takes lessons from {v}?
        Whom does {v} teach?
        Who is taught by {v}?
        Who has {v} as a teacher?
        Can you tell me who learns from {v}?
        Name the pupil of {v}.
        Who is a student of {v}?
        To whom does {v} give lessons?
        I would like to know whom {v} instructs.
        Do you know who studies with {v}?
        According to the text, who is taught by {v}?
        Which pupil does {v} have?
        """),
    ),
    Relation(
        "person", "pet", "pet", Draw.name,
        lines("""
        {s} has a pet called {v}.
        The pet of {s} is named {v}.
        {s} looks after a pet, {v}.
        {v} is the pet of {s}.
        {s} feeds a pet by the name of {v}.
        At home, {s} keeps a pet with the name {v}.
        {v} is what {s} calls the pet at home.
        """),
        bank("""
        What is the pet of {s} called?
        Which pet does {s} have?
        What is the name of the pet of {s}?
        How is the pet of {s} named?
        Can you tell me what {s} calls the pet?
        Name the pet that lives with {s}.
        I would like to know what the pet of {s} is called.
        Do you know which pet {s} looks after?
        What name has {s} given to the pet?
        Which animal does {s} keep at home?
        Tell me the name of the pet that {s} has.
        To what name does the pet of {s} listen?
        According to the text, which pet belongs to {s}?
        Please say what pet {s} owns.
        {s} has a pet, but what is it called?
        Which name was given to the animal that {s} feeds?
        """),
        bank("""
        Who has a pet called {v}?
        Whose pet is {v}?
        Who looks after {v}?
        Who is the owner of the pet {v}?
        Can you tell me to whom the pet {v} belongs?
        Name the person with a pet called {v}.
        Who keeps a pet by the name of {v}?
        At whose home does the pet {v} live?
        I would like to know who feeds the pet {v}.
        Do you know whose pet goes by the name {v}?
        According to the text, who has the pet {v}?
        By whom is the animal {v} kept?
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
        "person", "favourite colour", "colour", lambda draw: draw.pick(COLOURS),
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
        "person", "badge number", "badge", Draw.code,
        lines("""
        {s} has the badge number {v}.
        The badge number of {s} is {v}.
        {s} wears badge {v}.
        {v} is the number on the badge of {s}.
        The badge that {s} wears says {v}.
        Badge {v} belongs to {s}.
        {v} is written on the badge of {s}.
        """),
        bank("""
        Which badge number does {s} have?
        What is written on the badge of {s}?
        Which badge does {s} wear?
        What number is on the badge that {s} has?
        Can you tell me which badge {s} wears?
        Name the number on the badge of {s}.
        I would like to know what the badge of {s} says.
        What code does the badge of {s} show?
        Do you know which badge belongs to {s}?
        Tell me which number stands on the badge of {s}.
        What does it say on the badge of {s}?
        By which badge can {s} be recognised?
        According to the text, what badge does {s} have?
        Please say what is printed on the badge of {s}.
        Which number does {s} wear on a badge?
        If I read the badge of {s}, what do I see?
        """),
        bank("""
        Who wears badge {v}?
        Who has the badge number {v}?
        To whom does badge {v} belong?
        Whose badge has the number {v}?
        Can you tell me who wears the badge {v}?
        Name the person with badge {v}.
        On whose badge is {v} written?
        Who can be recognised by badge {v}?
        I would like to know who has badge {v}.
        Do you know whose badge says {v}?
        According to the text, who wears badge {v}?
        To which person was badge {v} given?
        """),
    ),
    Relation(
        "person", "breakfast", "breakfast", lambda draw: draw.pick(FOODS),
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
        "person", "employer", "employer", Draw.name,
        lines("""
        {s} works for {v}.
        The employer of {s} is {v}.
        {s} is employed by {v}.
        {v} employs {s}.
        {v} pays the wages of {s}.
        The company that {s} works for is {v}.
        Every month {s} gets a salary from {v}.
        """),
        bank("""
        For whom does {s} work?
        Who employs {s}?
        Which company does {s} work for?
        From whom does {s} get a salary?
        Can you tell me which company employs {s}?
        Name the firm that {s} works for.
        I would like to know for whom {s} works.
        Who pays {s} for the work done?
        By whom is {s} employed?
        Do you know which firm {s} works for?
        Tell me who pays the wages of {s}.
        At what company does {s} have a post?
        According to the text, who employs {s}?
        Please say which company {s} works for.
        Whose employee is {s}?
        On the staff of which company is {s}?
        """),
        bank("""
        Who works for {v}?
        Who is employed by {v}?
        Name the person who works for {v}.
        Whose wages does {v} pay?
        Whom does {v} employ?
        Can you tell me who gets a salary from {v}?
        Who is an employee of {v}?
        To whom does {v} pay a salary?
        I would like to know who works for {v}.
        Do you know whom {v} employs?
        According to the text, who works for {v}?
        Who is on the staff of {v}?
        """),
    ),
    Relation(
        "person", "favourite song", "song", Draw.name,
        lines("""
        The favourite song of {s} is {v}.
        {s} likes the song {v} best.
        {v} is the song that {s} loves most.
        No song pleases {s} more than {v}.
        {v} is a song that {s} sings all day.
        {s} always asks for the song {v}.
        The song {v} is dear to {s}.
        """),
        bank("""
        Which song does {s} like best?
        What song does {s} love most?
        Name the song that {s} likes.
        To which song does {s} like to listen?
        Can you tell me which song {s} sings?
        I would like to know what song {s} likes.
        What song is dear to {s}?
        Do you know which song pleases {s} most?
        Which song does {s} always ask for?
        Tell me what song {s} loves.
        Of all songs, which does {s} like best?
        What song should be played to please {s}?
        According to the text, which song does {s} like?
        Please say what song {s} prefers.
        Which piece of music is {s} fond of?
        What tune makes {s} happiest?
        """),
        bank("""
        Who likes the song {v} best?
        Who loves the song {v}?
        Whose favourite song is {v}?
        Who listens to the song {v} with joy?
        Name the person who likes the song {v}.
        Can you tell me who sings {v}?
        To whom is the song {v} dear?
        By whom is the song {v} loved?
        I would like to know who asks for the song {v}.
        Do you know who likes {v} more than other songs?
        According to the text, who loves the song {v}?
        Which person is fond of the song {v}?
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
        "person", "instrument", "instrument", lambda draw: draw.pick(MUSIC),
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
