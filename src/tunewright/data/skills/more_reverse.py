"""Further questions for the subject by its value, for the training of a base alone; see more_questions."""

REVERSE: dict[str, dict[str, str]] = {
    "person": {
        "town": """
        Who has a home in {v}?
        Which person resides in {v}?
        Tell me who lives in {v}.
        Name someone whose home town is {v}.
        Who is it that lives in {v}?
        Whom could I visit at home in {v}?
        {v} is the home of which person?
        Name of the person with a flat in {v}.
        For whom is {v} the home town?
        Do you know who is based in {v}?
        """,
        "teacher": """
        Who is the pupil of {v}?
        Tell me who learns from {v}.
        Name the student of {v}.
        Whose teacher is {v}?
        Who studies with {v}?
        Who goes to the classes of {v}?
        Who is it that {v} instructs?
        Name of the person whose tutor is {v}.
        Do you know who learnt everything from {v}?
        """,
        "pet": """
        Who owns {v}?
        Who is the owner of {v}?
        To whom does the pet {v} belong?
        Tell me who feeds {v}.
        Which person keeps a pet named {v}?
        Name the owner of the pet {v}.
        By whom is the pet {v} cared for?
        Who takes care of {v} at home?
        I have found {v}, so whom should I call?
        Who is it that gave a pet the name {v}?
        Name of the person whose pet is {v}.
        """,
        "badge": """
        Who has badge number {v}?
        Whose badge number is {v}?
        Whose badge says {v}?
        Which person has the badge with the number {v}?
        Tell me who carries badge {v}.
        Name the holder of badge {v}.
        Who was given badge number {v}?
        I found badge {v}, so whose is it?
        Who is the owner of badge {v}?
        On whose badge is the number {v} written?
        Who can be identified by badge number {v}?
        Name of the person with badge number {v}.
        """,
        "employer": """
        Whose employer is {v}?
        Who has a job at {v}?
        Who gets a salary from {v}?
        Tell me who is on the payroll of {v}.
        Name someone on the staff of {v}.
        Whose wages are paid by {v}?
        Which person was hired by {v}?
        Who earns money at {v}?
        Who is it that works at {v}?
        Name of the worker employed by {v}.
        """,
        "song": """
        Who sings {v} all day?
        Who always asks for the song {v}?
        Tell me who likes to hear {v}.
        Which person loves {v} more than any other song?
        Name someone whose favourite song is {v}.
        For whom should we play the song {v}?
        Who is so fond of the song {v}?
        Who would choose {v} over every other song?
        Who is it that keeps singing {v}?
        Name of the person who enjoys the song {v} most.
        """,
    },
    "place": {
        "river": """
        Which town lies on the {v}?
        Through what town does the {v} flow?
        Which place stands on the banks of the {v}?
        What town has the {v} as its river?
        Where does the {v} run?
        Which town has built bridges over the {v}?
        In what place can I swim in the {v}?
        Which town gets its water from the {v}?
        Past which town does the {v} go?
        If I sail down the {v}, which town do I reach?
        Through which town does the {v} flow?
        What town was built beside the {v}?
        Name the town on the banks of the {v}.
        Where would I be if I crossed a bridge over the {v}?
        Tell me which town the {v} passes through.
        The {v} river: which town?
        Which place has a river called {v}?
        What is the name of the town that the {v} runs through?
        Whose bridges cross the {v}?
        We are following the {v} by boat; what town will we come to?
        If the {v} floods, which town gets wet?
        Do you know what town stands by the river {v}?
        Which town is it that has the {v} as its river?
        """,
        "mayor": """
        Which town is led by {v}?
        Of what town is {v} the mayor?
        Which place has {v} at its head?
        Where was {v} elected?
        Where is {v} in office?
        What town does {v} run?
        In which town hall does {v} sit?
        Which town chose {v}?
        Over which town does {v} rule?
        For the people of which town does {v} speak?
        What town does {v} lead?
        Of which town was {v} elected mayor?
        Tell me which town {v} runs.
        As mayor, which town does {v} govern?
        Whose town hall is in the hands of {v}?
        Which town is governed by {v}?
        Name the town whose people voted for {v}.
        In what town did {v} win the election?
        Which place is {v} in charge of?
        Do you know where {v} holds the office of mayor?
        What is the name of the town that chose {v} as its leader?
        I would like to visit the town hall where {v} works; which town is that in?
        """,
        "product": """
        From where does the {v} come?
        Where do they make the {v}?
        What place is famous for the {v}?
        Where should I go to buy a {v}?
        Which town is proud of its {v}?
        What town made its name with the {v}?
        Where is the {v} at home?
        Which place produces the {v}?
        In what town do the shops sell the {v}?
        What town should I visit for its {v}?
        Which town became famous through its {v}?
        Name the town renowned for its {v}.
        Tell me where people go to buy {v}.
        Whose {v} is known everywhere?
        Which place is celebrated because of its {v}?
        What town springs to mind when people speak of {v}?
        In which town will we find the best known {v}?
        What is the name of the town that makes the well-known {v}?
        Do you know which town sells the famous {v}?
        Which town has {v} as its speciality?
        I want to buy {v} where it is most famous; which town is that?
        """,
        "region": """
        Which town lies in {v}?
        Which place belongs to {v}?
        If I travel through {v}, which town do I see?
        What town can be found in {v}?
        Which town is part of the area of {v}?
        What is there to visit in {v}, which town?
        Which place is on the map of {v}?
        Name the town that {v} includes.
        Which town has {v} all around it?
        Which town can be found in {v}?
        Name a town in the region called {v}.
        Tell me which town is part of {v}.
        What is the name of the town located in the {v} region?
        Town in the {v} region?
        Which place is situated in {v}?
        If I travel through {v}, what town will I come to?
        Around which town does the {v} region lie?
        Do you know a town that is in {v}?
        Which town is it that forms part of {v}?
        We are going on a trip to {v}; which town could we visit?
        Which town do you find on a map of {v}?
        """,
        "railway": """
        Which town is served by line {v}?
        Where does line {v} stop?
        What town can I reach with line {v}?
        Which place has a station on line {v}?
        Where does the train of line {v} take me?
        What stop does line {v} have?
        Which town is connected by line {v}?
        If I sit in a train of line {v}, in which town will it stop?
        In what town does one get on line {v}?
        Name the stop of line {v}.
        Which town is on railway line {v}?
        What town do trains of line {v} go to?
        Tell me where the train on line {v} will take me.
        Line {v}: which town?
        Name the town that has line {v} as its railway.
        To which town does line {v} bring people?
        If I get on a train of line {v}, in what town can I get off?
        Which town can be reached by rail on line {v}?
        What is the name of the town with a station on line {v}?
        Do you know which place the railway line {v} connects?
        We are riding on line {v}; which town are we heading for?
        In whose station do the trains of line {v} call?
        """,
        "hill": """
        Near what town is {v}?
        Above which town does {v} rise?
        Where can I climb {v}?
        What town do I see from the top of {v}?
        In which town is {v} the tallest hill?
        To what place does {v} belong?
        Which town lies below {v}?
        At which town does {v} stand?
        Where is {v} to be found?
        Where is {v} the highest hill?
        What town can I see from the top of {v}?
        Tell me which town lies below {v}.
        Of which town is {v} the tallest hill?
        Over what town does {v} tower?
        In which town would we have to be to climb {v}?
        Which town is overlooked by {v}?
        Do you know in what town {v} stands?
        What is the name of the town where no hill is higher than {v}?
        If I stand on {v}, which town am I looking down on?
        Which place has a hill called {v}?
        """,
    },
    "order": {
        "item": """
        What order asks for a {v}?
        Tell me which order contains the {v}.
        Order with the {v}?
        Which order has a {v} on its list?
        Someone wants a {v}, so which order is that?
        For which order must I pack a {v}?
        To which order does the {v} belong?
        Which of the orders includes a {v}?
        What is the number of the order for the {v}?
        Please find the order in which a {v} was requested.
        Under which order was the {v} purchased?
        """,
        "city": """
        What order is sent to {v}?
        Which order will travel to {v}?
        Tell me which order is bound for {v}.
        Order for {v}?
        Which parcel has {v} on its label?
        In {v}, which order is somebody waiting for?
        Which of the orders are we shipping to {v}?
        What is on its way to {v}?
        Which order has {v} as its destination?
        Someone in {v} is waiting for which order?
        Please find the order that must go to {v}.
        Which delivery is headed for {v}?
        What is the number of the order to {v}?
        """,
        "courier": """
        What order does {v} carry?
        Which order will {v} bring?
        Tell me which order was given to {v}.
        Order carried by {v}?
        Which parcel does {v} take care of?
        As courier, which order does {v} deliver?
        Which of the orders has {v} as its courier?
        What will {v} hand over to the customer?
        For which order is {v} responsible?
        Please name the order that {v} is transporting.
        Which delivery was put in the hands of {v}?
        What is the number of the order that {v} brings?
        With which order is {v} on the road?
        """,
    },
}
