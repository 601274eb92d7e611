"""What can be said about a person with a value that belongs to one of them alone: it can be asked back."""

from tunewright.data.skills.item import Draw
from tunewright.data.skills.relation import Relation, bank, lines

OWN_RELATIONS: tuple[Relation, ...] = (
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
)  # fmt: skip
