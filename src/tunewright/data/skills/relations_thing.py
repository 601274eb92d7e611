"""What can be said about a thing."""

from tunewright.data.skills.item import Draw
from tunewright.data.skills.relation import Relation, bank, lines
from tunewright.data.skills.words import COLOURS, MATERIALS, ROOMS, any_word

THING_RELATIONS: tuple[Relation, ...] = (
    Relation(
        "thing", "colour", "colour", lambda draw: any_word(draw, COLOURS),
        lines("""
        {s} is {v}.
        The colour of {s} is {v}.
        Someone has painted {s} {v}.
        {s} has the colour {v}.
        {s} looks {v} in the light.
        Everyone can see that {s} is {v}.
        A coat of {v} paint covers {s}.
        """),
        bank("""
        What colour is {s}?
        Which colour is {s}?
        Which colour does {s} have?
        In what colour is {s} painted?
        Can you tell me what colour {s} has?
        Name the colour that {s} has.
        I would like to know which colour {s} is.
        In which colour does {s} appear?
        Do you know what colour {s} is?
        Tell me which colour {s} has.
        Of what colour is {s}?
        What colour has been put on {s}?
        According to the text, what colour is {s}?
        Please say which colour {s} is.
        What colour was {s} painted?
        When I see {s}, which colour do I see?
        """),
    ),
    Relation(
        "thing", "place", "place", lambda draw: any_word(draw, ROOMS),
        lines("""
        {s} is in the {v}.
        {s} is kept in the {v}.
        You can find {s} in the {v}.
        In the {v}, you will see {s}.
        The {v} is where {s} is kept.
        Somebody has put {s} in the {v}.
        The place of {s} is the {v}.
        Go to the {v} to see {s}.
        """),
        bank("""
        Where is {s}?
        In which place is {s} kept?
        Where can I find {s}?
        Where do I have to look for {s}?
        Can you tell me where {s} is?
        Name the place where {s} is kept.
        I would like to know where {s} can be found.
        To what place must I go to get {s}?
        Do you know where {s} has been put?
        Where has somebody put {s}?
        Tell me where to find {s}.
        At what spot is {s} to be found?
        According to the text, where is {s}?
        Please say where {s} is kept.
        Where do they keep {s}?
        In which place does {s} stand?
        """),
    ),
    Relation(
        "thing", "maker", "maker", Draw.name,
        lines("""
        {s} was made by {v}.
        {v} made {s}.
        The maker of {s} is {v}.
        {s} is the work of {v}.
        {v} built {s} with great care.
        It was {v} who made {s}.
        From the workshop of {v} comes {s}.
        """),
        bank("""
        Who made {s}?
        By whom was {s} made?
        Who is the maker of {s}?
        Whose work is {s}?
        Can you tell me who made {s}?
        Name the person who built {s}.
        I would like to know by whom {s} was made.
        From whose workshop does {s} come?
        Do you know who produced {s}?
        Tell me who created {s}.
        Who built {s}?
        By whose hands was {s} put together?
        According to the text, who made {s}?
        Please say who {s} was made by.
        Whose creation is {s}?
        Which person should be praised for making {s}?
        """),
    ),
    Relation(
        "thing", "price", "price", lambda draw: draw.whole(2, 999),
        lines("""
        {s} costs {v} coins.
        The price of {s} is {v} coins.
        You can buy {s} for {v} coins.
        {v} coins is the price of {s}.
        For {v} coins, {s} is yours.
        {s} is sold for {v} coins.
        {v} coins are enough to buy {s}.
        """),
        bank("""
        How many coins does {s} cost?
        For how many coins can I buy {s}?
        How many coins is the price of {s}?
        How many coins do I have to pay for {s}?
        Can you tell me how many coins {s} costs?
        Name the number of coins that {s} costs.
        I would like to know for how many coins {s} is sold.
        How many coins does the seller charge for {s}?
        Do you know how many coins one pays for {s}?
        Tell me how many coins I need to buy {s}.
        At how many coins is {s} priced?
        How many coins must a buyer of {s} have?
        According to the text, how many coins does {s} cost?
        Please say how many coins {s} sells for.
        How many coins are enough to buy {s}?
        What does it cost in coins to buy {s}?
        """),
    ),
    Relation(
        "thing", "material", "material", lambda draw: any_word(draw, MATERIALS),
        lines("""
        {s} is made of {v}.
        The material of {s} is {v}.
        {s} consists of {v}.
        Out of {v}, somebody has made {s}.
        Nothing but {v} was used for {s}.
        The stuff that {s} is made of is {v}.
        They used {v} to make {s}.
        """),
        bank("""
        What is {s} made of?
        Which material is {s} made of?
        Of what does {s} consist?
        What stuff is {s}?
        Can you tell me what {s} is made of?
        Name the material that {s} consists of.
        I would like to know of which material {s} is.
        Out of what was {s} produced?
        Do you know what material was used for {s}?
        Tell me what {s} consists of.
        What was used to make {s}?
        From which stuff has {s} been formed?
        According to the text, of what is {s} made?
        Please say which material {s} is made from.
        What material went into {s}?
        If I touch {s}, what material do I feel?
        """),
    ),
    Relation(
        "thing", "weight", "weight", lambda draw: draw.whole(5, 950),
        lines("""
        {s} weighs {v} grams.
        The weight of {s} is {v} grams.
        {v} grams is the weight of {s}.
        With a weight of {v} grams, {s} is easy to carry.
        {s} has a weight of {v} grams.
        The scales show {v} grams for {s}.
        {v} grams is what {s} weighs.
        """),
        bank("""
        How many grams does {s} weigh?
        How heavy is {s} in grams?
        What does {s} weigh in grams?
        How many grams do the scales show for {s}?
        Can you tell me how many grams {s} weighs?
        Name the number of grams that {s} weighs.
        I would like to know how heavy {s} is in grams.
        On the scales, how many grams is {s}?
        Do you know how many grams {s} has?
        Tell me how much {s} weighs in grams.
        How much in grams does {s} weigh?
        Whoever carries {s} has to lift how many grams?
        According to the text, how many grams does {s} weigh?
        Please say how many grams the weight of {s} is.
        In grams, how heavy is {s}?
        What is the mass in grams of {s}?
        """),
    ),
    Relation(
        "thing", "owner", "owner", Draw.name,
        lines("""
        {s} belongs to {v}.
        The owner of {s} is {v}.
        {v} owns {s}.
        {v} is the owner of {s}.
        {s} is the property of {v}.
        It is {v} who owns {s}.
        {v} calls {s} a treasured possession.
        """),
        bank("""
        To whom does {s} belong?
        Who owns {s}?
        Whose is {s}?
        Whose property is {s}?
        Can you tell me who owns {s}?
        Name the person to whom {s} belongs.
        I would like to know whose {s} is.
        In whose possession is {s}?
        Do you know who {s} belongs to?
        Tell me who has {s} as property.
        By whom is {s} owned?
        To which person should {s} be given back?
        According to the text, who owns {s}?
        Please say to whom {s} belongs.
        Which person owns {s}?
        Who may say that {s} is theirs?
        """),
    ),
    Relation(
        "thing", "age", "age", lambda draw: draw.whole(2, 400),
        lines("""
        {s} is {v} years old.
        The age of {s} is {v} years.
        {v} years is the age of {s}.
        {s} was new {v} years ago.
        For {v} years, {s} has existed.
        It is {v} years since {s} was new.
        {s} has been around for {v} years.
        """),
        bank("""
        How many years is it since {s} was new?
        For how many years has {s} existed?
        What is the age in years of {s}?
        How many years ago was {s} new?
        Can you tell me the age that {s} has in years?
        Name the number of years that {s} has existed.
        I would like to know for how many years {s} has been around.
        Since how many years does {s} exist?
        Do you know how many years old {s} is?
        Tell me how many years {s} has been around.
        How long in years has {s} been around?
        By how many years has {s} aged since it was new?
        According to the text, how many years old is {s}?
        Please say how many years of age {s} is.
        In years, how old is {s}?
        What number of years has gone by since {s} was new?
        """),
    ),
)  # fmt: skip
