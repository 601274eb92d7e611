"""Further questions about an order, for the training of a base alone: held-out items use none of them."""

QUESTIONS: dict[str, str] = {
    "customer": """
    Tell me who placed {s}.
    Customer of {s}?
    From whom did we receive {s}?
    Whose order is {s}?
    Who was it that placed {s}?
    What is the name of the customer on {s}?
    Which customer sent us {s}?
    Which client does {s} belong to?
    Who made {s}?
    Who is the buyer behind {s}?
    Whom should I call about {s}?
    Under whose name was {s} placed?
    Do you know which person submitted {s}?
    Please give me the name of the client for {s}.
    Whose name stands on {s}?
    From which customer did {s} come?
    Someone placed {s}, but who?
    To which buyer does {s} belong?
    Who is the purchaser on {s}?
    We need the name of whoever placed {s}.
    Who will ask us about {s}?
    Who gave us {s}?
    I would like to know who is behind {s}.
    """,
    "item": """
    What item does {s} contain?
    Which item is on {s}?
    Tell me what was bought with {s}.
    Item of {s}?
    What is on the list of {s}?
    What is in the parcel of {s}?
    Which product belongs to {s}?
    What does the customer want with {s}?
    What article must we pack for {s}?
    What did somebody buy with {s}?
    Which goods are listed on {s}?
    What thing was requested in {s}?
    What shall I put in the box for {s}?
    Do you know what {s} includes?
    Please name the product in {s}.
    Which article did the buyer choose in {s}?
    What is it that {s} is about?
    What should we take from the shelf for {s}?
    What purchase was made with {s}?
    Content of {s}?
    I wonder which product {s} is for.
    What merchandise goes out with {s}?
    """,
    "total": """
    What is the total of {s}?
    How much does {s} cost in total?
    Tell me the total of {s}.
    Total of {s}?
    What does the bill for {s} come to?
    How much must the customer pay for {s}?
    What sum has to be paid for {s}?
    What amount is due for {s}?
    How much is the bill for {s}?
    What is the full price of {s}?
    How many coins will we get for {s}?
    How much money is owed for {s}?
    What does {s} add up to?
    How large is the sum on {s}?
    Can you say how much {s} amounts to?
    Please give me the overall cost of {s}.
    What figure stands on the bill for {s}?
    How much should I charge for {s}?
    How many coins altogether does {s} come to?
    What is the invoice amount of {s}?
    What will the buyer be charged for {s}?
    We need the final sum for {s}.
    What is there to pay for {s}?
    How expensive is {s} all in all?
    """,
    "delivery": """
    What is the delivery date of {s}?
    On which day will {s} arrive?
    Tell me when {s} will come.
    Delivery date of {s}?
    When can I expect {s}?
    When will the customer get {s}?
    When should we be at home for {s}?
    Which day has been fixed for the delivery of {s}?
    When will {s} be at the door?
    How long do I have to wait until {s} comes?
    When is it that {s} will reach the customer?
    What day can someone look forward to {s}?
    Do you know when {s} is expected?
    By what date will I have {s}?
    Please say on which day {s} will be handed over.
    For when is {s} scheduled?
    When will we receive {s}?
    Arrival of {s}?
    What is the arrival date for {s}?
    When is {s} supposed to get here?
    Which date was promised for {s}?
    When may the buyer count on {s}?
    I want to know the day on which {s} is coming.
    """,
    "city": """
    Which city does {s} go to?
    Tell me the city for {s}.
    City of {s}?
    What is the destination of {s}?
    Where will {s} be sent?
    Where must we ship {s}?
    Which city is written on the label of {s}?
    Where is the parcel of {s} travelling?
    In which town is somebody waiting for {s}?
    Where will {s} end up?
    What city should I write on the parcel of {s}?
    To what town are we sending {s}?
    Where is {s} headed?
    For which city is {s} meant?
    Where does the customer of {s} live?
    Do you know where {s} is going?
    Please name the destination for {s}.
    What place will {s} travel to?
    Which town is the goal of {s}?
    Into which city will {s} be brought?
    Where is it that {s} must go?
    Shipping destination of {s}?
    Where shall we send {s}?
    In what city will someone receive {s}?
    """,
    "courier": """
    Who is the courier of {s}?
    Tell me who delivers {s}.
    Courier of {s}?
    Who takes care of {s} on the way?
    Who will hand over {s}?
    To which courier was {s} given?
    Who brings {s} to the customer?
    Who is it that will bring {s}?
    With which courier does {s} travel?
    Who has the parcel of {s}?
    Who transports {s}?
    Who will knock at the door with {s}?
    What is the name of the courier for {s}?
    Whom did we trust with {s}?
    Which carrier is responsible for {s}?
    Do you know who will drop off {s}?
    Who was chosen to deliver {s}?
    Please name the person who carries {s}.
    Whom should I ask about the transport of {s}?
    From whose hands will the customer receive {s}?
    In whose bag is {s} travelling?
    Which courier has been put in charge of {s}?
    I wonder who is bringing {s}.
    """,
    "payment": """
    What is the payment method of {s}?
    Tell me how {s} was paid for.
    Payment method of {s}?
    By what means is {s} paid?
    What payment did they choose for {s}?
    In what way was the bill for {s} paid?
    How will we get the money for {s}?
    Which method of payment belongs to {s}?
    How did somebody settle {s}?
    What did the buyer use to pay for {s}?
    By which method has {s} been settled?
    How is the bill for {s} being paid?
    What kind of payment was selected for {s}?
    Do you know how the client paid for {s}?
    Please name the form of payment for {s}.
    What means of payment is noted on {s}?
    How did the money for {s} reach us?
    With what was {s} paid?
    What type of payment does {s} have?
    I need to know by what method {s} is paid.
    How has the customer decided to pay for {s}?
    How are the costs of {s} covered?
    Which payment option goes with {s}?
    """,
}
