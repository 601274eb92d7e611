"""Further questions about a place, for the training of a base alone: held-out items use none of them."""

QUESTIONS: dict[str, str] = {
    "river": """
    What is the river of {s} called?
    What is the name of the water that runs through {s}?
    Which stream passes {s}?
    What river would I cross in {s}?
    In {s}, people fish in which river?
    What river do the bridges of {s} cross?
    Which river could I take a boat on in {s}?
    Tell me which river goes past {s}.
    Along what river does {s} stretch?
    Name the river at {s}.
    What water divides {s} in two?
    Which river brings water to {s}?
    When {s} is flooded, which river has risen?
    Which river belongs to {s}?
    From the bridge in {s}, which river do I see below?
    The river near {s}?
    What is the stream in {s} known as?
    Name of the river at {s}?
    {s}: which river?
    Can you tell me what water runs through {s}?
    Tell me the name of the river that passes {s}.
    If I stand on a bridge in {s}, what river is below me?
    Which river do the bridges of {s} span?
    What is the name of the stream that crosses {s}?
    I want to go boating in {s}; what river will I be on?
    By which river is {s} crossed?
    Which river is it that runs past the houses of {s}?
    What river would we see on a visit to {s}?
    Where do anglers in {s} cast their lines, in which river?
    The river of {s} has what name?
    Please name the waterway that flows by {s}.
    Do you know which river {s} stands on?
    Someone fell into the river at {s}. What is that river called?
    On the banks of which river can {s} be found?
    When it floods in {s}, which river has overflowed?
    What do people in {s} call their river?
    Which river should I follow to reach {s} by boat?
    River through {s}?
    I wonder what river divides {s}.
    """,
    "mayor": """
    Who runs {s}?
    Who is at the head of {s}?
    Who governs {s}?
    Who was elected in {s}?
    Which person leads the council of {s}?
    Who sits in the town hall of {s}?
    Who speaks for the people of {s}?
    Whom did {s} choose to lead it?
    To whom should the people of {s} complain?
    By whom is {s} led?
    Name the head of {s}.
    Who is in office in {s}?
    Who holds the top office of {s}?
    Tell me who has been made mayor in {s}.
    Who signs the letters of the town {s}?
    Which politician is in charge of {s}?
    The leader of {s}?
    Who opens the festivals in {s} as its mayor?
    Who rules over {s}?
    What is the name of the mayor in {s}?
    Who runs the town hall in {s}?
    Who was elected to lead {s}?
    {s}: who is mayor?
    Name of the mayor of {s}?
    Tell me who governs {s}.
    Who is in charge of {s}?
    Whom did the people of {s} vote into office?
    Who is it that heads the town of {s}?
    Can you tell me who holds the office of mayor in {s}?
    I have a complaint about the streets of {s}; which mayor should I write to?
    Which politician won the last election in {s}?
    Who sits in the mayor's chair in {s}?
    Please name the leader of {s}.
    Which person did the voters of {s} choose as mayor?
    Who makes the decisions for the town of {s}?
    Do you know who the head of the town council in {s} is?
    We would like to meet the mayor of {s}. Whom should we ask for?
    Under whose leadership is {s}?
    Who wears the mayor's chain in {s}?
    As mayor, who looks after {s}?
    Someone wants to shake hands with the leader of {s}; who is that?
    Who governs the citizens of {s}?
    """,
    "population": """
    What is the population of {s}?
    How large is {s}, counted in people?
    How many citizens does {s} count?
    What number of people call {s} their home?
    Tell me how big the population of {s} is.
    How populous is {s}?
    If I counted everybody in {s}, what would I get?
    How many souls live in {s}?
    What was the result when they counted the people of {s}?
    How many have their home in {s}?
    The number of inhabitants of {s}?
    How many persons make up {s}?
    How many people would a letter to everyone in {s} reach?
    How many townspeople are there in {s}?
    What figure is given for the people of {s}?
    How crowded is {s}, in people?
    {s}: how many inhabitants?
    How big is the population in {s}?
    Number of residents in {s}?
    Tell me how many people call {s} home.
    How large is {s} in terms of people?
    How many citizens were counted in {s}?
    Can you tell me the number of people living in {s}?
    How many souls are there in {s}?
    What did the last census of {s} show?
    If everyone in {s} gathered, how many people would there be?
    Please give the number of inhabitants of {s}.
    Do you know how populous {s} is?
    I wonder how many townspeople {s} has.
    What figure is given for the population of {s}?
    How many residents are registered in {s}?
    We want to send a letter to every person in {s}. How many do we need?
    What is the total number of people in {s}?
    How many men, women and children live in {s}?
    Population of {s}?
    How many people are there in the town of {s}?
    How many townsfolk does {s} count?
    """,
    "founded": """
    In what year did {s} begin?
    Which year saw the beginning of {s}?
    What year was {s} built in?
    How far back does {s} go?
    Since what year has {s} existed?
    When did people first settle in {s}?
    In which year was {s} born as a town?
    From what year does {s} date?
    When did somebody first build in {s}?
    Tell me the year {s} came into being.
    What year stands at the start of the history of {s}?
    In what year does the story of {s} start?
    Since when has there been a {s}?
    When was {s} set up?
    How old a town is {s}, by its year?
    When did {s} come to exist?
    What is the founding year given for {s}?
    Which year does {s} celebrate as its first?
    The year of the founding of {s}?
    In what year was {s} established?
    What is the founding year of {s}?
    {s}: founded when?
    Year of the foundation of {s}?
    Tell me when {s} came into being.
    Since when has {s} existed?
    In which year did people start building {s}?
    When was the first stone laid in {s}?
    What year marks the birth of {s}?
    Can you tell me how far back {s} dates?
    When did settlers first establish {s}?
    I wonder in what year {s} was born.
    Which year is celebrated as the beginning of {s}?
    Please give the year in which {s} was created.
    When was it that {s} was set up as a town?
    Do you know when {s} was started?
    We are planning an anniversary for {s}; in what year did it begin?
    In which year do the history books place the origin of {s}?
    What date is carved on the founding stone of {s}?
    When did the founders of {s} begin their work?
    How long ago, in what year, was {s} settled?
    What was the first year of the town of {s}?
    When did {s} get its start?
    """,
    "product": """
    What does {s} make that everybody knows?
    Which product comes from {s}?
    What should I buy in {s}?
    What goods are typical of {s}?
    Which thing do visitors bring home from {s}?
    What do people think of when they hear of {s}?
    What do the shops of {s} sell to visitors?
    What do they make best in {s}?
    For which product do people go to {s}?
    Which product gave {s} its good name?
    What is the speciality of {s}?
    Tell me what {s} produces.
    What is the best known thing from {s}?
    Why is {s} so well known, because of what?
    Which article is the pride of {s}?
    What has {s} become famous with?
    What do they export from {s}?
    The most famous product of {s}?
    Which product has made {s} famous?
    {s}: best known for what?
    Name of the best known product of {s}?
    Tell me what people buy in {s}.
    What should I bring home from {s}?
    For what is {s} renowned?
    What goods does {s} sell that everyone knows?
    Why do so many shoppers travel to {s}?
    Which speciality comes from {s}?
    What is it that {s} is celebrated for?
    If we go shopping in {s}, what should we look for?
    What do the craftsmen of {s} make best?
    Can you tell me the most famous product from {s}?
    To what does {s} owe its good name?
    What is the local speciality in {s}?
    Which of the things made in {s} is the best known?
    Please name the typical product of {s}.
    What do visitors usually purchase in {s}?
    Someone is going to {s} and wants a souvenir; what is typical there?
    What is produced in {s} and praised everywhere?
    Do you know which goods put {s} on the map?
    What does the whole country associate with {s}?
    What are the traders of {s} proudest of?
    Famous goods from {s}?
    """,
    "region": """
    What region is {s} in?
    Where in the country is {s}, in which region?
    Which part of the country does {s} belong to?
    To what region would I travel to see {s}?
    Tell me the region around {s}.
    What is the name of the land around {s}?
    On a map of which region would I find {s}?
    Which region is home to {s}?
    The region of {s}?
    Which area is {s} part of?
    In what district is {s} to be found?
    Whereabouts is {s}, in what region?
    Under which region is {s} listed?
    Which region surrounds {s}?
    In what area does one come across {s}?
    What region do the people of {s} say they are from?
    What larger area includes {s}?
    Which province has {s} in it?
    {s}: which region?
    Name of the region around {s}?
    Tell me the region where {s} is situated.
    Which region is {s} part of?
    What is the area surrounding {s} called?
    In what region can {s} be found?
    Can you tell me which region {s} counts as its own?
    If I travel to {s}, which region will I be in?
    Which region has {s} among its towns?
    In which part of the land is {s} located?
    Please name the region that includes {s}.
    What district of the country is home to {s}?
    Which region's map shows {s}?
    I wonder what region one finds {s} in.
    Do you know the name of the region in which {s} is placed?
    Under which region should we look up {s}?
    By the name of which region is the land around {s} known?
    Which region is it that {s} forms part of?
    We are driving to {s}. Which region do we need to head for?
    Someone who lives in {s} comes from which region?
    Which region would you put {s} in?
    The countryside near {s} is part of what region?
    """,
    "railway": """
    What train line goes to {s}?
    By which line can I reach {s}?
    Which line serves {s}?
    On what line is the station of {s}?
    Which train should I take to {s}?
    What line connects {s} with the rest?
    Which railway runs through {s}?
    Tell me the line that has a station in {s}.
    What is the number of the line to {s}?
    What line do I need for {s}?
    On which railway line does {s} lie?
    If I go to {s} by rail, which line is it?
    What line is written on the station sign of {s}?
    Which line takes people home to {s}?
    The train line for {s}?
    By what line is {s} linked to other towns?
    Which rails lead to {s}?
    What line is used by people from {s}?
    Which line has {s} among its stops?
    What line do I take to get to {s}?
    {s}: which train line?
    Name of the railway line through {s}?
    Tell me what line serves {s}.
    By which line is {s} reached?
    Which train goes to {s}?
    I need to travel to {s} by rail; which line is right?
    What is the railway line of {s} called?
    Which line's trains call at {s}?
    Can you tell me which railway connects {s}?
    If we go to {s} by train, what line should we choose?
    At the station in {s}, which line do the trains run on?
    With which line can one ride to {s}?
    Which tracks lead to {s}, those of what line?
    Please name the line that has a station in {s}.
    What railway do the people of {s} use?
    Which line is it that takes passengers to {s}?
    Do you know the train line for {s}?
    Someone wants a rail ticket to {s}. Which line is it on?
    Which rail line has {s} as one of its stops?
    I am waiting at the station in {s}; which line will pick me up?
    What rail connection does {s} have?
    How do I get to {s} by train, on what line?
    Which line carries commuters to and from {s}?
    """,
    "market_day": """
    What day of the week do people sell their goods in {s}?
    When can I buy fresh food in the square of {s}?
    On what day do the farmers come to {s}?
    Which day is the market of {s} open?
    When are the stalls put up in {s}?
    On which weekday does {s} have its market?
    When should I go shopping in {s}?
    Tell me the day of the market in {s}.
    On what day of the week is {s} full of traders?
    Which day brings the traders to {s}?
    What day is best for buying things in {s}?
    When do the stalls of {s} open?
    The market day in {s}?
    When do people in {s} go to market?
    What day have they chosen for the market in {s}?
    On what day is the square of {s} full?
    When does {s} hold its market?
    Every week {s} has a market on what day?
    On which day is the market in {s}?
    What day does {s} hold its market?
    {s}: market on which day?
    Day of the weekly market in {s}?
    Tell me when I can shop at the market in {s}.
    On what weekday do traders set up their stalls in {s}?
    Which day of the week is market day for {s}?
    When should we go to {s} if we want to visit the market?
    I want to buy fresh vegetables at the market in {s}; which day should I go?
    Can you tell me when the market of {s} takes place?
    What is the market day of {s}?
    On which day is the market square of {s} full of stalls?
    Which day is it that the market comes to {s}?
    When do farmers bring their goods to the market in {s}?
    Please name the day of the market in {s}.
    Every week, on what day is there a market in {s}?
    Do you know when the stalls are open in {s}?
    On which day are goods sold at the market in {s}?
    Someone would like to sell eggs at the market of {s}. On which day?
    What day of the week do people come to {s} for the market?
    When does the market in {s} open?
    For which day is the market of {s} set?
    I wonder what day they have the market in {s}.
    Which weekday is reserved for the market in {s}?
    When can one find the sellers in the square of {s}?
    """,
    "hill": """
    What is the highest hill in {s}?
    Which hill rises above {s}?
    What is the name of the tallest hill of {s}?
    Which hill should I climb in {s}?
    What is the top point of {s} called?
    Which hill is higher than all others in {s}?
    What hill do people walk up in {s}?
    Name the hill that towers over {s}.
    Which peak belongs to {s}?
    In {s}, which hill is the tallest?
    What is the steepest climb in {s}, up which hill?
    If I want to see all of {s}, up which hill must I go?
    Tell me which hill stands highest at {s}.
    What do they call the big hill of {s}?
    Which height overlooks {s}?
    On which hill of {s} is one nearest to the sky?
    The tallest hill near {s}?
    Which of the hills of {s} is the greatest?
    Where in {s} is the best view, on which hill?
    Which hill in {s} is the tallest?
    Name of the highest hill of {s}?
    {s}: which hill is highest?
    Tell me what the biggest hill in {s} is called.
    If I want the best view over {s}, what hill should I climb?
    What is the highest point of {s}?
    Of all the hills in {s}, which one is the highest?
    Can you tell me the name of the tallest hill near {s}?
    Which hill towers over {s}?
    By what hill is {s} overlooked?
    What hill is it that stands highest in {s}?
    Which peak do walkers climb in {s}?
    Please name the hill that tops all others in {s}.
    What do they call the highest hill at {s}?
    We are hiking in {s}; which hill takes us highest?
    Do you know which of the hills around {s} is the greatest in height?
    Which summit looks over the roofs of {s}?
    Where in {s} do you stand highest, on what hill?
    Which hill would someone have to climb to get to the top of {s}?
    What hill in {s} is higher than all the rest?
    No hill in {s} is as high as which one?
    Highest elevation in {s}?
    I wonder what the loftiest hill of {s} is named.
    """,
}
