"""Further questions about a thing, for the training of a base alone: held-out items use none of them."""

QUESTIONS: dict[str, str] = {
    "colour": """
    Tell me the colour of {s}.
    What shade is {s}?
    How would you describe the hue of {s}?
    In what colour has {s} been painted?
    Which paint covers {s}?
    I wonder what colour {s} might be.
    Colour of {s}?
    If I look at {s}, which colour do I see?
    What tint does {s} show in daylight?
    Could you say what colour {s} is?
    Which colour did they choose for {s}?
    What is the colour that {s} was given?
    We need to know the colour of {s}.
    Someone asks about the hue of {s}.
    What does {s} look like in terms of colour?
    With which colour was {s} coated?
    Is there a name for the shade of {s}?
    Please name the colour of {s}.
    What colour of paint was put on {s}?
    Which shade would I need to draw {s}?
    Do you remember what colour {s} has?
    What colour should we picture {s} in?
    The paint on {s} is of what colour?
    By what colour can one recognise {s}?
    """,
    "place": """
    Tell me where {s} is kept.
    In which room is {s}?
    What is the location of {s}?
    Where did somebody put {s}?
    Where should we look for {s}?
    Location of {s}?
    Which place holds {s}?
    Where has {s} been stored?
    I want to see {s}, so where must I go?
    Do you know where {s} can be found?
    Where does one have to go to see {s}?
    Where are they keeping {s}?
    Can you tell us the whereabouts of {s}?
    What is the spot where {s} stands?
    Into which place was {s} put?
    Where exactly is it that {s} is kept?
    Somebody is searching for {s}, but where is it?
    In what part of the house is {s}?
    Where would a visitor come across {s}?
    Please say where I could get a look at {s}.
    Whereabouts is {s}?
    Where might {s} be hiding?
    Which room must I enter to reach {s}?
    I have lost sight of {s}, so where is it now?
    """,
    "maker": """
    Maker of {s}?
    Who was it that built {s}?
    Which person produced {s}?
    Who crafted {s}?
    Whom can we thank for making {s}?
    Do you know who constructed {s}?
    Whose hands put {s} together?
    What is the name of the person who made {s}?
    Please name the creator of {s}.
    Who was {s} built by?
    I would like to know who fashioned {s}.
    Which craftsman or craftswoman stands behind {s}?
    Who deserves the credit for building {s}?
    In whose workshop was {s} produced?
    Someone must have made {s}, but who?
    Who designed and built {s}?
    Can you say who assembled {s}?
    To whom do we owe the creation of {s}?
    Builder of {s}?
    """,
    "price": """
    How much does {s} cost?
    What is the price of {s}?
    Tell me what {s} costs.
    What must I pay for {s}?
    How many coins do I need to buy {s}?
    Price of {s}?
    For how many coins is {s} sold?
    How much money is asked for {s}?
    What would it cost us to get {s}?
    How expensive is {s}?
    At what price can one buy {s}?
    What sum will make {s} mine?
    How much are they charging for {s}?
    What does the price tag on {s} say?
    How many coins should I bring for {s}?
    How much would a buyer pay for {s}?
    What do we have to spend to own {s}?
    Please give me the cost of {s}.
    Can you tell me how much {s} sells for?
    What amount is needed to purchase {s}?
    What is the seller asking for {s}?
    Someone wants to buy {s}, so how much is it?
    How many coins would be enough for {s}?
    What does it take in coins to acquire {s}?
    How much is {s}?
    """,
    "material": """
    Which material is {s} made from?
    Tell me the material of {s}.
    What does {s} consist of?
    What stuff was used for {s}?
    Material of {s}?
    What did they use to make {s}?
    From which substance was {s} built?
    What substance does {s} consist of?
    Which material did someone need to make {s}?
    What kind of material is {s}?
    Do you know what {s} is built from?
    What went into the making of {s}?
    Of what is {s} composed?
    Please say which stuff {s} is made of.
    What raw material did the maker choose for {s}?
    Which material was {s} formed from?
    What is it that {s} was made out of?
    We would like to know what {s} is composed of.
    What would I need to build a copy of {s}?
    What sort of stuff makes up {s}?
    Can you name the substance used in {s}?
    Using what material did somebody create {s}?
    What was worked into the shape of {s}?
    """,
    "weight": """
    How much does {s} weigh?
    How heavy is {s}?
    What is the weight of {s}?
    Tell me how heavy {s} is.
    Weight of {s}?
    What do the scales show for {s}?
    What is the mass of {s}?
    If I put {s} on the scales, what will I read?
    How many grams are in {s}?
    What load do I carry when I lift {s}?
    How great is the weight of {s} in grams?
    Can you say how many grams {s} has?
    What did {s} weigh on the scales?
    How much weight does {s} have?
    We must know the mass of {s}.
    What number of grams was measured for {s}?
    Please give the weight of {s} in grams.
    Someone weighed {s}, and what was the result?
    Is {s} heavy, and how many grams is it?
    How heavy would {s} feel in my hand?
    How many grams would we add by packing {s}?
    What weight has been noted for {s}?
    Do you know what {s} weighs?
    How weighty is {s}?
    Number of grams that {s} weighs?
    """,
    "owner": """
    Who is the owner of {s}?
    Tell me who owns {s}.
    Owner of {s}?
    Who does {s} belong to?
    Who possesses {s}?
    Who is it that owns {s}?
    Which person has {s}?
    Who can call {s} a personal treasure?
    Whom should I ask if I want to borrow {s}?
    Do you know whose possession {s} is?
    What is the name of the owner of {s}?
    We found {s}, so to whom must we return it?
    Please name the person to whom {s} belongs.
    Who holds {s} as property?
    Which person is the proud owner of {s}?
    Among whose belongings is {s}?
    Someone owns {s}, but who?
    Who has the right to sell {s}?
    """,
    "age": """
    How old is {s}?
    What is the age of {s}?
    How many years old is {s}?
    Tell me how old {s} is.
    Age of {s}?
    For how long has {s} existed?
    How long has {s} been around?
    How many years has {s} been in existence?
    How many years have passed since {s} was new?
    For how many years has there been such a thing as {s}?
    What age has {s} reached?
    Do you know the age of {s} in years?
    How long is it since {s} was new?
    How many years ago did {s} come into being?
    Please say how many years {s} has behind it.
    How many birthdays could we have held for {s}?
    How ancient is {s}?
    How many years has {s} lasted so far?
    I would like to know the age of {s}.
    Can you tell us how long ago {s} was made?
    What number of years has {s} seen?
    How far back does {s} go?
    Someone asks how many years {s} has existed.
    Over how many years has {s} grown old?
    How long ago did {s} first appear?
    """,
}
