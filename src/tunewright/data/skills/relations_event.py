"""What can be said about an event."""

from tunewright.data.skills.item import Draw
from tunewright.data.skills.relation import Relation, a_date, a_time, bank, lines

EVENT_RELATIONS: tuple[Relation, ...] = (
    Relation(
        "event", "date", "date", a_date,
        lines("""
        {s} is on {v}.
        {s} takes place on {v}.
        The date of {s} is {v}.
        {v} is the day of {s}.
        On {v}, {s} takes place.
        People wait for {s} on {v}.
        {s} has been planned for {v}.
        """),
        bank("""
        When is {s}?
        On which date is {s}?
        What is the date of {s}?
        On what day does {s} take place?
        Can you tell me on which day {s} is?
        Name the day on which {s} takes place.
        I would like to know on what date {s} is held.
        For which day has {s} been planned?
        Do you know on which date {s} takes place?
        Tell me what day {s} is on.
        Which day is the day of {s}?
        What date should I mark in my calendar for {s}?
        According to the text, on which date is {s}?
        Please say on what day {s} is.
        On which day will {s} be held?
        To what date do people look forward because of {s}?
        """),
    ),
    Relation(
        "event", "starting time", "time", a_time,
        lines("""
        {s} begins at {v}.
        {s} starts at {v}.
        The starting time of {s} is {v}.
        {v} is the time when {s} begins.
        At {v}, {s} will begin.
        Be there at {v} for the start of {s}.
        The doors open and {s} begins at {v}.
        """),
        bank("""
        At what time does {s} begin?
        When does {s} start?
        At which time does {s} start?
        At what hour should I come to {s}?
        Can you tell me at what time {s} starts?
        Name the time at which {s} begins.
        I would like to know at which hour {s} begins.
        From what time on can I be at {s}?
        Do you know what time {s} starts?
        Tell me at which time {s} gets going.
        What time is the start of {s}?
        What will the clock show at the start of {s}?
        According to the text, at what time does {s} start?
        Please say what time {s} begins.
        For what time is the start of {s} set?
        By what time must I be there so as not to miss the start of {s}?
        """),
    ),
    Relation(
        "event", "host", "host", Draw.name,
        lines("""
        The host of {s} is {v}.
        {v} invites everyone to {s}.
        {s} has {v} as its host.
        {v} is hosting {s}.
        As the host of {s}, {v} has a lot to do.
        Guests of {s} are welcomed by {v}.
        It is {v} who gives {s}.
        """),
        bank("""
        Who is the host of {s}?
        Who invites people to {s}?
        Which host does {s} have?
        Who has called people to {s}?
        Can you tell me who hosts {s}?
        Name the person who hosts {s}.
        I would like to know who gives {s}.
        By whom are people invited to {s}?
        Do you know who is hosting {s}?
        Who welcomes the guests of {s}?
        Tell me by whom {s} is hosted.
        Whom should the guests thank for {s}?
        According to the text, who hosts {s}?
        Please say who the host of {s} is.
        Whose guests are the people at {s}?
        From whom did the invitation to {s} come?
        """),
    ),
    Relation(
        "event", "number of guests", "guests", lambda draw: draw.whole(2, 500),
        lines("""
        {v} guests will come to {s}.
        {s} expects {v} guests.
        The number of guests of {s} is {v}.
        {v} people are invited to {s}.
        There will be {v} guests at {s}.
        Chairs for {v} guests stand ready for {s}.
        For {s}, they count on {v} guests.
        """),
        bank("""
        How many guests will come to {s}?
        How many guests does {s} expect?
        What is the number of guests of {s}?
        How many people are invited to {s}?
        Can you tell me how many guests come to {s}?
        Name the number of people who come to {s}.
        I would like to know how many guests {s} will have.
        For how many people must there be chairs at {s}?
        Do you know how many people will be at {s}?
        Tell me how many guests are expected at {s}.
        How many people will be at {s}?
        With how many visitors does {s} reckon?
        According to the text, how many guests does {s} have?
        Please say how many people {s} expects.
        What number of people is expected at {s}?
        How large will the crowd at {s} be?
        """),
    ),
    Relation(
        "event", "venue", "venue", Draw.name,
        lines("""
        {s} is held in {v}.
        The venue of {s} is {v}.
        {s} takes place in {v}.
        {v} is where {s} is held.
        In {v}, they get ready for {s}.
        They have chosen {v} as the venue of {s}.
        For {s}, everyone has to go to {v}.
        """),
        bank("""
        Where is {s} held?
        In which place is {s} held?
        Where does {s} take place?
        To what place must I go to be at {s}?
        Can you tell me where {s} takes place?
        Name the place where {s} is held.
        I would like to know where {s} will happen.
        What place has been chosen for {s}?
        Do you know where {s} is held?
        Tell me at which venue {s} takes place.
        Where do people gather for {s}?
        In what location can visitors find {s}?
        According to the text, where is {s} held?
        Please say where {s} happens.
        Where do I have to go for {s}?
        At which location will {s} be?
        """),
    ),
    Relation(
        "event", "entrance fee", "fee", lambda draw: draw.whole(2, 99),
        lines("""
        The entrance fee of {s} is {v} coins.
        A ticket for {s} costs {v} coins.
        You pay {v} coins to get into {s}.
        {v} coins is the entrance fee of {s}.
        For {v} coins, you get a ticket for {s}.
        Visitors of {s} are charged {v} coins at the door.
        It takes {v} coins to enter {s}.
        """),
        bank("""
        How many coins does a ticket for {s} cost?
        How many coins is the entrance to {s}?
        How many coins do I pay to get into {s}?
        What number of coins are visitors of {s} charged?
        Can you tell me how many coins it takes to enter {s}?
        Name the number of coins a ticket for {s} costs.
        I would like to know how many coins one pays at the door of {s}.
        To go to {s}, how many coins must I bring?
        Do you know how many coins the entrance to {s} costs?
        Tell me for how many coins I get a ticket for {s}.
        How many coins are charged at the door of {s}?
        What is the ticket price for {s} in coins?
        According to the text, how many coins does it cost to enter {s}?
        Please say how many coins visitors pay for {s}.
        For how many coins is one let into {s}?
        Admission to {s} costs how many coins?
        """),
    ),
)  # fmt: skip
