"""Further questions about a person, for the training of a base alone: held-out items use none of them."""

QUESTIONS: dict[str, str] = {
    "town": """
    What town is home to {s}?
    Can you tell me where {s} lives?
    What is {s}'s home town?
    {s}'s home town?
    Name the town where {s} resides.
    Where would I have to go to visit {s} at home?
    Which place does {s} call home?
    Tell me which town {s} has settled in.
    Where can we find the house of {s}?
    In what place has {s} made a home?
    To which town does {s} return after a long trip?
    I want to knock on {s}'s door, so which town should I travel to?
    Which town is it that {s} lives in?
    Name of the town where {s} has a flat.
    Whereabouts is {s} based?
    What is the place of residence of {s}?
    Where has {s} set up house?
    If someone sends a parcel to {s}, which town should be on the label?
    Does anyone know where {s} is living?
    Which town counts {s} among its residents?
    The town {s} lives in is called what?
    Where does {s} sleep at night?
    Please say in which town {s} dwells.
    """,
    "job": """
    What is {s}'s job?
    {s}'s job?
    Which profession does {s} have?
    Tell me the occupation of {s}.
    What trade does {s} follow?
    By profession, what is {s}?
    What line of work is {s} in?
    Can you tell me what {s} works as?
    In what job is {s} employed?
    As what does {s} work?
    What is the occupation of {s}?
    Name the trade that {s} practises.
    What is it that {s} does at work?
    What sort of career has {s} chosen?
    How does {s} make a living?
    Which job keeps {s} busy all week?
    If I asked {s} about work, what job would I hear?
    What should we put down as the profession of {s}?
    Does anyone know what {s} does professionally?
    The profession of {s}, please.
    What role does {s} fill in working life?
    With what work does {s} pay the bills?
    What job title would you give {s}?
    """,
    "teacher": """
    {s}'s teacher?
    Who gives lessons to {s}?
    What is the name of {s}'s teacher?
    Name the person who teaches {s}.
    Whose pupil is {s}?
    Who was it that taught {s}?
    Whose lessons does {s} attend?
    From whom did {s} learn so much?
    Who is {s} a student of?
    Under which teacher is {s} learning?
    Who trains {s}?
    Can you say who tutors {s}?
    Name of the tutor of {s}.
    Which instructor does {s} have?
    I would like to know who educates {s}.
    Whose classes does {s} go to?
    Who passed their knowledge on to {s}?
    Whom should we thank for what {s} has learnt?
    Who stands at the blackboard when {s} has a lesson?
    Who marks the homework that {s} hands in?
    """,
    "pet": """
    What is the name of {s}'s pet?
    What is {s}'s pet called?
    {s}'s pet?
    What pet does {s} keep at home?
    Tell me the name of the pet that {s} owns.
    Which animal companion belongs to {s}?
    Whom does {s} feed as a pet?
    Name the pet that {s} looks after.
    What name did {s} give to the pet?
    What does {s} call the pet at home?
    Can you tell me what {s} named the animal?
    By what name does the pet of {s} go?
    Which pet is cared for by {s}?
    What is the name of the animal that {s} takes care of?
    Name of the pet that lives with {s}.
    Which name does {s} shout to bring the pet home?
    Who is the pet of {s}?
    What is it that {s} calls the animal in the house?
    I have met the pet of {s}, but what is its name?
    Which pet waits at home for {s}?
    Whose food bowl does {s} fill every day?
    What should we call the pet that {s} keeps?
    Do you know the name of the creature {s} owns?
    If {s} goes away, which pet must someone else feed?
    """,
    "age": """
    What is the age of {s}?
    {s}'s age?
    At what age is {s} now?
    Which age has {s} reached?
    Can you say how old {s} has become?
    How many years has {s} been alive?
    What number of years has {s} lived?
    Give the age of {s} in years.
    How many candles are lit on the birthday of {s}?
    How many years have passed since the birth of {s}?
    What did {s} turn this year?
    How many birthdays has {s} had?
    Age of {s} in years?
    How long ago, in years, was {s} born?
    How many years of life does {s} have behind them?
    What age should we write on the form for {s}?
    If someone asks {s} for an age, what is the answer?
    Do you happen to know the age that {s} is?
    Just how old might {s} be?
    I forgot how old {s} is, so could you remind me?
    What is it that {s} has turned?
    """,
    "colour": """
    What is {s}'s favourite colour?
    Which colour does {s} like best?
    {s}'s favourite colour?
    What colour does {s} love most?
    Which colour does {s} prefer?
    Tell me the favourite colour of {s}.
    Of all colours, which pleases {s} most?
    Which shade does {s} like more than any other?
    In what colour should I buy a scarf for {s}?
    Name the colour that {s} loves.
    Which colour makes {s} happiest?
    Which hue is the favourite of {s}?
    What is the colour of choice for {s}?
    Which colour is preferred by {s}?
    What colour is it that {s} likes so much?
    If {s} could paint a room, what colour would it be?
    Given a choice of colours, which one does {s} take?
    Can you tell me what colour {s} is fondest of?
    We are wrapping a gift for {s}, so which colour of paper would be best?
    Name of the colour {s} likes best.
    Which tint appeals to {s} above all others?
    Do you know which colour {s} always picks?
    What colour comes first for {s}?
    Which paint would {s} reach for first?
    """,
    "birthday": """
    When is {s}'s birthday?
    {s}'s birthday?
    On what date was {s} born?
    On which day was {s} born?
    Tell me the birthday of {s}.
    What day is the birthday of {s}?
    On what day does {s} celebrate a birthday?
    When did {s} come into the world?
    When should I send a birthday card to {s}?
    What is the birth date of {s}?
    Which date is the birthday of {s}?
    On which date did the mother of {s} give birth?
    When was it that {s} was born?
    Date of birth of {s}?
    When do we wish {s} a happy birthday?
    Which day of the year is special to {s} because of a birthday?
    When does {s} get birthday presents?
    Name the day on which {s} was born.
    What date should be entered as the birthday of {s}?
    When does {s} become a year older?
    Does anyone remember the date {s} was born on?
    When do friends bring {s} birthday presents?
    """,
    "badge": """
    What is {s}'s badge number?
    {s}'s badge number?
    What number is on the badge of {s}?
    Tell me the number on {s}'s badge.
    What does the badge of {s} say?
    What is written on the badge that {s} wears?
    Which number was printed on the badge for {s}?
    Give me the badge number of {s}.
    What is the number of the badge belonging to {s}?
    Which number does {s} carry on a badge?
    Can you read the number on the badge of {s}?
    Under which badge number is {s} listed?
    Which badge belongs to {s}?
    What number can we see on the badge pinned to {s}?
    Which badge number was given to {s}?
    What badge number has been assigned to {s}?
    Number on the badge of {s}?
    By what badge number can someone identify {s}?
    Which number is it that {s} has on the badge?
    If {s} loses the badge, which number do I report?
    The guard asks for the badge number of {s}, so what is it?
    Do you know which number {s} wears?
    What is the ID number on the badge {s} shows at the door?
    """,
    "breakfast": """
    {s}'s breakfast?
    What does {s} eat in the morning?
    What is {s}'s usual breakfast?
    Tell me what {s} has for breakfast.
    What is the breakfast of {s}?
    What do we serve {s} for breakfast?
    Which food is the first meal of the day for {s}?
    What should I make {s} for breakfast?
    Can you say what {s} eats each morning?
    What breakfast makes {s} happy?
    Which food is eaten by {s} at breakfast?
    What is it that {s} eats every morning?
    Name the food that {s} has at breakfast.
    Morning meal of {s}?
    If {s} comes to breakfast, what food will be needed?
    On waking up, what does {s} eat?
    What is on {s}'s plate in the morning?
    Which breakfast does {s} order at a hotel?
    What dish does {s} enjoy at the start of the day?
    When {s} is hungry in the morning, what gets eaten?
    Do you know what {s} takes for breakfast?
    """,
    "email": """
    What is {s}'s email address?
    {s}'s email?
    At what address can {s} be reached?
    Where can I send an email to {s}?
    How can I reach {s} by email?
    Tell me the email address of {s}.
    To which address should we write if we want to contact {s}?
    Which address does {s} use for email?
    Where do emails for {s} go?
    How do I contact {s} online?
    Which email address belongs to {s}?
    Give me the address where {s} gets email.
    Can you tell me how to email {s}?
    Where does {s} receive messages?
    I need to send a file to {s}, so which email address do I use?
    Which address should someone type to write to {s}?
    What do I put in the "To" field of an email to {s}?
    Contact address of {s}?
    Under which email address is {s} available?
    What address must a message carry to get to {s}?
    Which inbox is read by {s}?
    By email, where is {s} reachable?
    Which address is it that {s} reads mail at?
    Do you have an email address for {s}?
    Where should the electronic invitation for {s} be sent?
    """,
    "employer": """
    Who does {s} work for?
    Who is the employer of {s}?
    {s}'s employer?
    Who pays {s}?
    Tell me which firm {s} works for.
    Name of the firm that pays {s}?
    At which company does {s} have a job?
    Whose staff does {s} belong to?
    On whose payroll is {s}?
    Who pays the wages of {s}?
    From whom does {s} get a salary every month?
    Which business has hired {s}?
    Where is {s} employed?
    What is the name of the company {s} works at?
    Can you name the firm where {s} is on the staff?
    Which company is it that employs {s}?
    Who gave {s} a job?
    I want to phone {s} at work, so which company do I call?
    In the service of which company does {s} stand?
    What firm counts {s} among its workers?
    Which organisation signs the pay cheques of {s}?
    For which boss or business does {s} work?
    Which employer should we enter on the form for {s}?
    """,
    "song": """
    What is {s}'s favourite song?
    {s}'s favourite song?
    Which song is dear to {s}?
    Tell me the favourite song of {s}.
    What song does {s} sing all day?
    Name the song that {s} loves.
    What is the title of the song {s} likes most?
    Which tune pleases {s} more than any other?
    What song should we play for {s}?
    Which song would {s} choose to hear?
    What does {s} like to sing?
    Which song is preferred by {s}?
    Of all songs, which one does {s} enjoy most?
    What song is it that {s} keeps singing?
    Title of the song {s} likes best?
    Can you tell me which song {s} is so fond of?
    If {s} asks the band for a song, which one will it be?
    I want to make {s} happy with music, so which song should I put on?
    Which melody does {s} hum from morning to night?
    What song would {s} never tire of?
    Which track does {s} listen to again and again?
    Do you know which song {s} treasures?
    At a party, what song does {s} request?
    """,
    "shoe_size": """
    What is {s}'s shoe size?
    What size of shoes does {s} wear?
    {s}'s shoe size?
    Which shoe size does {s} have?
    What size does {s} take in shoes?
    Tell me the shoe size of {s}.
    Which size of shoe fits {s}?
    How big are the feet of {s}?
    What size shoes does {s} need?
    In what size do boots fit {s}?
    Can you tell me what size {s} wears on the feet?
    Which footwear size is right for {s}?
    What size is printed inside the shoes of {s}?
    Shoe size of {s}?
    What size of sandals would suit {s}?
    Give the size of the shoes that {s} wears.
    Which size is it that {s} takes at the shoe shop?
    What size should we order if the boots are for {s}?
    What number does {s} give when a shoe seller asks for the size?
    Which size of trainers is worn by {s}?
    Someone wants to give {s} slippers, but in what size?
    Do you know the size of the feet of {s}?
    When trying on shoes, what size does {s} ask for?
    """,
    "instrument": """
    What instrument does {s} play?
    {s}'s instrument?
    What is the instrument of {s}?
    Tell me which instrument {s} plays.
    Which musical instrument can {s} play?
    Which instrument is played by {s}?
    What does {s} play in the orchestra?
    Name the instrument that {s} has mastered.
    On which instrument does {s} perform?
    With what instrument does {s} make music?
    What instrument gives {s} joy?
    Can you say what {s} plays at concerts?
    Which instrument is it that {s} practises?
    Instrument played by {s}?
    What instrument should we bring for {s}?
    If {s} joins our group, which instrument will be added?
    What does {s} practise at music school?
    I heard {s} on stage, but what instrument was it?
    Which instrument would we see in the hands of {s}?
    What kind of musical instrument does {s} own?
    What is {s} able to play?
    When there is music, which instrument does {s} pick up?
    """,
}
