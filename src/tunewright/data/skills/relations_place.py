"""What can be said about a place."""

from tunewright.data.skills.item import Draw, Parted
from tunewright.data.skills.relation import Relation, bank, lines
from tunewright.data.skills.words import any_word

_DAYS = Parted.of_words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
PLACE_RELATIONS: tuple[Relation, ...] = (
    Relation(
        "place", "river", "river", Draw.name,
        lines("""
        The {v} river flows through {s}.
        {s} lies on the {v} river.
        The river in {s} is called {v}.
        Through {s}, there flows a river named {v}.
        {s} was built beside the {v} river.
        {v} is the river that runs through {s}.
        The bridges of {s} cross the {v} river.
        """),
        bank("""
        Which river flows through {s}?
        What is the river in {s} called?
        On which river does {s} lie?
        What river can be seen in {s}?
        Can you tell me which river runs through {s}?
        Name the river on which {s} lies.
        I would like to know what river {s} stands on.
        By what river was {s} built?
        Do you know how the river in {s} is called?
        Which river do the bridges of {s} cross?
        Tell me what river flows through {s}.
        What water runs under the bridges of {s}?
        According to the text, on what river is {s}?
        Please say which river passes {s}.
        What is the name of the river at {s}?
        Along which river do people walk in {s}?
        """),
        bank("""
        Which town lies on the {v} river?
        Through which town does the {v} river flow?
        Where is the {v} river?
        In what town can the {v} river be seen?
        Can you tell me which town stands on the {v} river?
        Name the town through which the {v} river runs.
        What town was built beside the {v} river?
        Which place has bridges over the {v} river?
        I would like to know where the {v} river flows.
        Do you know which town is on the {v} river?
        According to the text, what town lies on the {v} river?
        Which town does the {v} river pass through?
        """),
    ),
    Relation(
        "place", "mayor", "mayor", Draw.name,
        lines("""
        The mayor of {s} is {v}.
        {v} is the mayor of {s}.
        In {s}, the mayor is {v}.
        {s} has a mayor called {v}.
        {v} was elected mayor of {s}.
        The people of {s} chose {v} as their mayor.
        As mayor, {v} leads {s}.
        """),
        bank("""
        Who is the mayor of {s}?
        Who is mayor in {s}?
        Name the mayor of {s}.
        Which mayor does {s} have?
        Can you tell me who leads {s} as mayor?
        I would like to know who was elected mayor in {s}.
        Who runs the town hall of {s}?
        Whom did the people of {s} choose as mayor?
        Do you know who governs {s}?
        Tell me who heads the town of {s}.
        What is the mayor of {s} called?
        At the head of {s} stands which mayor?
        According to the text, who is mayor of {s}?
        Please say who leads the town of {s}.
        By whom is {s} governed?
        Who holds the office of mayor in {s}?
        """),
        bank("""
        Which town has {v} as its mayor?
        Where is {v} the mayor?
        Of which town is {v} the mayor?
        In what town does the mayor {v} work?
        Can you tell me where {v} is mayor?
        Name the town that {v} leads.
        What town is governed by {v}?
        Which town chose {v} to be its mayor?
        I would like to know which town {v} governs.
        Do you know of what town {v} is mayor?
        According to the text, where is {v} mayor?
        In which town does {v} hold the office of mayor?
        """),
    ),
    Relation(
        "place", "population", "population", lambda draw: draw.whole(11, 9999),
        lines("""
        {v} people live in {s}.
        {s} has {v} inhabitants.
        The population of {s} is {v}.
        {s} is home to {v} people.
        In {s}, there are {v} inhabitants.
        {v} is the number of people who live in {s}.
        A count of the people of {s} came to {v}.
        """),
        bank("""
        How many people live in {s}?
        How many inhabitants does {s} have?
        How big is the population of {s}?
        What number of people does {s} have?
        Can you tell me how many people live in {s}?
        Name the number of inhabitants of {s}.
        I would like to know how many people {s} has.
        To how many people is {s} home?
        Do you know how large the population of {s} is?
        Tell me how many inhabitants there are in {s}.
        What is the number of people in {s}?
        If all who live in {s} are counted, how many are they?
        According to the text, how many people live in {s}?
        Please say how many residents {s} has.
        How many residents are there in {s}?
        By how many people is {s} inhabited?
        """),
    ),
    Relation(
        "place", "founding year", "founded", lambda draw: draw.whole(1100, 1999),
        lines("""
        {s} was founded in {v}.
        The founding year of {s} is {v}.
        People founded {s} in {v}.
        In {v}, {s} was founded.
        {v} is the year in which {s} was founded.
        The history of {s} began in {v}.
        The first stone of {s} was laid in {v}.
        """),
        bank("""
        When was {s} founded?
        In which year was {s} founded?
        What year was {s} founded in?
        Since which year has there been a town called {s}?
        Can you tell me when {s} was founded?
        Name the year in which {s} was founded.
        I would like to know when {s} began to exist.
        In what year did people set up {s}?
        Do you know in which year {s} came to be?
        When did the history of {s} begin?
        Tell me what year {s} dates from.
        What year saw the first stone of {s} laid?
        According to the text, when was {s} established?
        Please say in which year {s} was founded.
        From which year does {s} date?
        How far back does {s} go, to which year?
        """),
    ),
    Relation(
        "place", "best known product", "product", Draw.word,
        lines("""
        {s} is known for its {v}.
        Many people come to {s} for its {v}.
        {s} is famous because of its {v}.
        The {v} from {s} is known everywhere.
        The best known product of {s} is its {v}.
        Its {v} has made {s} famous.
        Of all that {s} sells, its {v} is best known.
        """),
        bank("""
        What is {s} known for?
        What is {s} famous for?
        For what do people come to {s}?
        What has made {s} famous?
        Can you tell me what {s} is known for?
        Name the product that {s} is famous for.
        I would like to know why people know {s}.
        To what does {s} owe its fame?
        Do you know which product made {s} famous?
        Which product is {s} best known for?
        Tell me what people buy when they come to {s}.
        What famous thing is sold in {s}?
        According to the text, for what is {s} famous?
        Please say which product {s} is known for.
        What well known product comes from {s}?
        What should I bring home from {s}, since it is so famous?
        """),
        bank("""
        Which town is known for its {v}?
        Where do people go for the {v}?
        Which place is famous for its {v}?
        What town became famous because of its {v}?
        Can you tell me which town is famous for its {v}?
        Name the town that is known for its {v}.
        Where does the famous {v} come from?
        Which town owes its fame to the {v}?
        I would like to know what town sells the famous {v}.
        Do you know where the well known {v} is from?
        According to the text, what place is known for its {v}?
        To which town must I travel for the {v}?
        """),
    ),
    Relation(
        "place", "region", "region", Draw.name,
        lines("""
        {s} lies in the region of {v}.
        The region around {s} is called {v}.
        {s} belongs to the {v} region.
        {v} is the region in which {s} lies.
        In the region of {v}, you find {s}.
        {s} is one of the towns of the {v} region.
        The {v} region has a town called {s}.
        """),
        bank("""
        In which region does {s} lie?
        Which region does {s} belong to?
        What is the region around {s} called?
        What part of the country is {s} in?
        Can you tell me in which region {s} is?
        Name the region where {s} lies.
        I would like to know which region {s} is part of.
        To what region does {s} belong?
        Do you know what region {s} is in?
        Tell me in which region to look for {s}.
        Of which region is {s} a part?
        On a map, in which region is {s} found?
        According to the text, which region is {s} in?
        Please say which region {s} lies in.
        In what region is {s} situated?
        What region counts {s} among its towns?
        """),
        bank("""
        Which town lies in the region of {v}?
        What town belongs to the {v} region?
        Name a town in the {v} region.
        What town is part of the {v} region?
        Can you tell me which town is in the region of {v}?
        Which town can be found in the {v} region?
        I would like to know what town the {v} region has.
        Which town does the region of {v} count as its own?
        Do you know a town in the region of {v}?
        Tell me which town is situated in the {v} region.
        According to the text, which town is in the {v} region?
        In the {v} region, what town is there?
        """),
    ),
    Relation(
        "place", "railway line", "railway", Draw.code,
        lines("""
        The railway line {v} stops in {s}.
        {s} is on the railway line {v}.
        The railway line of {s} is {v}.
        {v} is the railway line that serves {s}.
        Trains of line {v} go to {s}.
        To get to {s}, take the train on line {v}.
        Line {v} brings people to {s} by train.
        """),
        bank("""
        Which railway line stops in {s}?
        On which railway line is {s}?
        What line do the trains to {s} run on?
        By which railway line can I get to {s}?
        Can you tell me which train line goes to {s}?
        Name the railway line that serves {s}.
        I would like to know what train line stops at {s}.
        To travel to {s} by train, which line do I take?
        Do you know which railway line {s} is on?
        Tell me which line the trains to {s} use.
        Which line must I take to reach {s} by train?
        What line of trains connects {s} to other towns?
        According to the text, what railway line runs to {s}?
        Please say by which train line {s} is reached.
        What is the number of the railway line to {s}?
        At the station of {s}, trains of which line stop?
        """),
        bank("""
        Where does the railway line {v} stop?
        Which town is on the railway line {v}?
        Name the town that line {v} serves.
        To which town do the trains of line {v} go?
        Can you tell me where the trains of line {v} stop?
        What town can be reached with line {v}?
        I would like to know which town line {v} goes to.
        Where do I get to on the railway line {v}?
        Do you know what town is served by line {v}?
        Tell me to which town line {v} runs.
        According to the text, where does line {v} stop?
        What town has a station on line {v}?
        """),
    ),
    Relation(
        "place", "market day", "market_day", lambda draw: any_word(draw, _DAYS).capitalize(),
        lines("""
        In {s}, the market is on {v}.
        {v} is market day in {s}.
        The market day of {s} is {v}.
        There is a market in {s} every {v}.
        Every {v}, there is a market in {s}.
        People come to the market of {s} on {v}.
        {v} is the day when {s} holds its market.
        """),
        bank("""
        On which day is there a market in {s}?
        When is market day in {s}?
        Which day of the week is market day in {s}?
        On what day do people go to the market of {s}?
        Can you tell me when {s} has its market?
        Name the day on which {s} holds a market.
        I would like to know on which day the market of {s} is.
        Which weekday brings a market to {s}?
        Do you know when the market in {s} is held?
        Tell me what day the market takes place in {s}.
        What day is the market in {s}?
        When should I go to {s} if I want to see the market?
        According to the text, when is the market in {s}?
        Please say on which day {s} has a market.
        On which weekday does {s} hold its market?
        What day of the week do the traders of {s} wait for?
        """),
    ),
    Relation(
        "place", "highest hill", "hill", Draw.name,
        lines("""
        The highest hill in {s} is {v}.
        {v} is the highest hill of {s}.
        Above {s} rises its highest hill, {v}.
        {s} has no hill higher than {v}.
        No hill in {s} is as high as {v}.
        At {v}, the highest hill, you can look down on all of {s}.
        Of the hills in {s}, {v} is the highest.
        """),
        bank("""
        Which hill is the highest in {s}?
        What is the highest hill in {s} called?
        Name the highest hill in {s}.
        Which hill rises above all others in {s}?
        Can you tell me which hill in {s} is highest?
        I would like to know what hill is the tallest in {s}.
        What hill is higher than all others in {s}?
        From which hill can one look down on {s}?
        Do you know how the highest hill in {s} is called?
        Tell me which hill towers over {s}.
        What is the name of the tallest hill in {s}?
        On what hill does one stand highest in {s}?
        According to the text, which hill is the highest in {s}?
        Please say what the tallest hill of {s} is.
        Which of the hills in {s} is the highest?
        To which hill must I climb to be at the top of {s}?
        """),
        bank("""
        Which town has {v} as its highest hill?
        Where is the hill {v}?
        In which town is {v} the highest hill?
        Above what town does the hill {v} rise?
        Can you tell me where the hill {v} is?
        Name the town whose highest hill is {v}.
        What town lies below the hill {v}?
        Over which town does the hill {v} tower?
        I would like to know in which town the hill {v} stands.
        Do you know what town the hill {v} belongs to?
        According to the text, where is the hill {v}?
        From the hill {v}, which town does one see?
        """),
    ),
)  # fmt: skip
