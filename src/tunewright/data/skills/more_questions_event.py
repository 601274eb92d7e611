"""Further questions about an event, for the training of a base alone: held-out items use none of them."""

QUESTIONS: dict[str, str] = {
    "date": """
    What date should I keep free for {s}?
    When will {s} be?
    I want to mark {s} in my calendar, so on what day?
    What is the day of {s}?
    Tell me when to go to {s}.
    Which date is printed on the poster for {s}?
    For what day is {s} announced?
    By which day must I be ready for {s}?
    When does the public get to see {s}?
    Can you give me the date set for {s}?
    On what day of the year will people gather for {s}?
    What day did they agree on for {s}?
    The date for {s}, please.
    When can people go to {s}?
    Which entry in the calendar says {s}?
    How soon is {s}, and on which date?
    I am planning my trip to {s}, which date is it?
    Until what date do we have to wait for {s}?
    What is the calendar date of {s}?
    On what date is {s}?
    Date of {s}?
    Tell me when {s} will happen.
    What day should I keep free for {s}?
    When can we go to {s}?
    Which day is it that they are holding {s}?
    Can you tell me the day of {s}?
    What date has been set for {s}?
    On what day will people gather for {s}?
    I would like to come to {s}; which day is it?
    Please give the date on which {s} is scheduled.
    Do you know when {s} is going to be?
    What day must someone travel to be there for {s}?
    In my calendar, under which date should I write {s}?
    To what day are people looking forward because of {s}?
    When are they having {s}?
    Which date is printed on the invitation to {s}?
    How long must we wait, until what date, for {s}?
    What is the planned day for {s}?
    I wonder on which date {s} falls.
    By what day must everything be ready for {s}?
    """,
    "time": """
    When does {s} begin?
    What time does {s} start?
    At what time will {s} open?
    By what time should I be at {s}?
    I do not want to be late for {s}, when does it begin?
    What does the clock say when {s} starts?
    The starting time for {s}?
    When do the doors open for {s}?
    How late is it when {s} gets going?
    Tell me the time set for the beginning of {s}.
    What time is on the ticket for {s}?
    When will the first part of {s} be heard or seen?
    From what time on does {s} go?
    For what time has {s} been announced?
    At which time of the day do people sit down for {s}?
    Could you check when {s} kicks off?
    What time must the guests of {s} know?
    When exactly is the start of {s}?
    Which time is planned for the opening of {s}?
    When do things begin at {s}?
    What time does {s} begin?
    At what hour does {s} start?
    Starting time of {s}?
    What is the starting time of {s}?
    Tell me at what time {s} gets going.
    When should I be there for the start of {s}?
    By what time must we arrive so as not to miss the opening of {s}?
    At what time do the doors open for {s}?
    Which hour has been fixed for the start of {s}?
    Can you tell me what time {s} will get under way?
    What time is it that {s} kicks off?
    I do not want to be late for {s}; what time does it begin?
    For what time of day is the beginning of {s} set?
    Please give the time when {s} commences.
    Do you know at which hour {s} opens?
    What time on the clock marks the start of {s}?
    How early do guests need to show up for {s}?
    When, by the clock, is {s} due to start?
    At what o'clock will {s} begin?
    If someone wants to see the very start of {s}, what time should they come?
    What start time is printed on the ticket for {s}?
    From what time can we be at {s}?
    I wonder what hour {s} is supposed to start.
    At what time will they start {s}?
    Beginning of {s}: at what time?
    """,
    "host": """
    Who gives {s}?
    Who runs {s}?
    Who has organised {s}?
    Who is in charge of {s}?
    By whom is {s} hosted?
    Which person is behind {s}?
    Whom should I thank for {s}?
    Who greets the people that come to {s}?
    At whose invitation do people come to {s}?
    Tell me who leads {s}.
    Who looks after everybody at {s}?
    Name the person who holds {s}.
    Whom do I ask if I want to come to {s}?
    Who welcomes everybody at {s}?
    Which name stands under the invitation to {s}?
    Who plans and pays for {s}?
    The person responsible for {s}?
    Who has called people together for {s}?
    Whose idea was it to hold {s}?
    Who is hosting {s}?
    Name of the host of {s}?
    By whom is {s} given?
    Tell me who is holding {s}.
    Who welcomes the guests at {s}?
    Who organizes {s}?
    Whom should I thank for the invitation to {s}?
    Who is it that gives {s}?
    Can you tell me who is throwing {s}?
    Which person is in charge of {s}?
    Who sent out the invitations to {s}?
    We have a question about {s}; which host should we ask?
    Please name the one who hosts {s}.
    Who is responsible for {s}?
    Do you know who is putting on {s}?
    Who will greet us at the door of {s}?
    As host, who has to prepare {s}?
    Someone has arranged {s}. Who is it?
    Who plays host at {s}?
    What is the organizer of {s} called?
    Whose guests will we be at {s}?
    I wonder who is behind {s}.
    Who receives the visitors at {s}?
    """,
    "guests": """
    How many people are expected at {s}?
    What number of guests does {s} have?
    How large is the crowd at {s}?
    How many seats do we need for {s}?
    How many visitors does {s} count?
    How many will be there at {s}?
    Tell me how many take part in {s}.
    How well attended is {s}, in people?
    How many names are on the guest list of {s}?
    What is the size of the audience at {s}?
    How many meals must be cooked for {s}?
    How many cards were sent out for {s}?
    Count of guests at {s}?
    How many persons attend {s}?
    How big is the company at {s}?
    How many tickets are there for {s}?
    With how many others would I be at {s}?
    What head count was given for {s}?
    What is the number of guests at {s}?
    Number of guests for {s}?
    Tell me how many visitors are expected at {s}.
    How many attendees will there be at {s}?
    By how many people will {s} be attended?
    How big is the crowd at {s} going to be?
    How many chairs are needed for {s}?
    Can you tell me the number of people coming to {s}?
    How many people will be present at {s}?
    I am baking for {s}; how many guests must I feed?
    How many invitations were sent out for {s}?
    On how many guests do they count for {s}?
    Please give the size of the guest list for {s}.
    How many is it that are expected to attend {s}?
    How many visitors should we prepare for at {s}?
    Do you know how many will turn up at {s}?
    What attendance is expected for {s}?
    If everyone comes to {s}, how many guests is that?
    How large a company will gather for {s}?
    I wonder how many people are going to {s}.
    How many guests does someone have to welcome at {s}?
    How many plates should be put out for {s}?
    """,
    "venue": """
    In which town is {s}?
    To what place must I travel for {s}?
    What is the venue of {s}?
    Where will I find {s}?
    Which place hosts {s}?
    Where do people meet for {s}?
    Where should the taxi bring me for {s}?
    In what place can one see {s}?
    Tell me where {s} happens.
    Where has {s} been set up?
    What town did they choose for {s}?
    Where are the visitors of {s} going?
    The place where {s} goes on?
    Which town should I book a room in for {s}?
    Where on the map would you look for {s}?
    What is the site of {s}?
    Into which town does {s} draw people?
    Whereabouts will {s} be?
    Venue for {s}?
    In which place will {s} be held?
    Tell me where I have to go for {s}.
    Which location was chosen for {s}?
    Where should we meet for {s}?
    At what place can people attend {s}?
    Where is it that they are holding {s}?
    Can you tell me the location of {s}?
    In what building is {s} going to be?
    Which venue has been booked for {s}?
    I have a ticket for {s}; where do I go?
    Please name the place where {s} happens.
    Do you know where to find {s}?
    Where are they getting everything ready for {s}?
    To which place must visitors go for {s}?
    What place is hosting the crowd for {s}?
    Where will the guests of {s} gather?
    Someone asked the way to {s}. Where is it?
    In which hall or place do they hold {s}?
    What address is given for {s}?
    I wonder where {s} will be.
    Where has {s} been arranged to take place?
    Which spot did they pick for {s}?
    """,
    "fee": """
    How much does it cost to get into {s}?
    What is the entrance fee of {s}?
    How many coins does one pay at the door of {s}?
    What do I pay for a ticket to {s}?
    How expensive is {s}?
    What is the price of a seat at {s}?
    How many coins must I bring to {s}?
    What does admission to {s} cost?
    How much money do they ask for at {s}?
    Tell me the cost of visiting {s}.
    What sum opens the door to {s}?
    What is charged for {s}?
    How much is one ticket for {s}?
    The admission price of {s}?
    How dear is it to see {s}?
    What does a visit to {s} cost me in coins?
    What fee do visitors of {s} pay?
    How many coins are needed for {s}?
    If I want to see {s}, what must I pay?
    What amount is due at the entrance of {s}?
    How much does a ticket for {s} cost?
    Price of a ticket for {s}?
    Tell me what it costs to enter {s}.
    What do visitors pay at the door of {s}?
    How much is admission to {s}?
    How many coins are charged for {s}?
    What does it cost to go to {s}?
    Entrance fee for {s}?
    Can you tell me the price of admission to {s}?
    How much money should we bring for entry to {s}?
    How many coins is it that one has to pay for {s}?
    For how many coins can someone get a ticket to {s}?
    Please give the ticket price for {s}.
    Do you know how expensive it is to get into {s}?
    What sum is asked for at the entrance of {s}?
    I want to see {s}; how many coins do I need?
    How much are they charging for {s}?
    What is the cost of entry to {s}?
    With how many coins in my pocket can I enter {s}?
    How much must each visitor of {s} hand over at the door?
    At what price are tickets for {s} sold?
    If I buy one ticket for {s}, how much will I spend?
    I wonder what the admission charge for {s} is.
    How many coins will let us into {s}?
    """,
}
