"""What can be said about an order."""

from tunewright.data.skills.item import Draw, Parted
from tunewright.data.skills.relation import Relation, a_date, bank, full_name, lines
from tunewright.data.skills.words import any_word

_PAYMENTS = Parted.of_words("cash card cheque voucher transfer coupon invoice credit")
ORDER_RELATIONS: tuple[Relation, ...] = (
    Relation(
        "order", "customer", "customer", full_name,
        lines("""
        {s} was placed by {v}.
        The customer of {s} is {v}.
        {v} placed {s}.
        {v} is the customer who placed {s}.
        It was {v} who placed {s}.
        We have received {s} from {v}.
        The name of the customer on {s} is {v}.
        """),
        bank("""
        Who placed {s}?
        Who is the customer of {s}?
        By whom was {s} placed?
        Which customer wants {s}?
        Can you tell me who placed {s}?
        Name the customer who placed {s}.
        I would like to know from whom we received {s}.
        Whose name stands as the customer on {s}?
        Do you know which customer placed {s}?
        Tell me by whom {s} was made.
        From whom did {s} come in?
        What is the buyer of {s} called?
        According to the text, who placed {s}?
        Please say which customer {s} is from.
        Who is the buyer in {s}?
        To which customer do we owe {s}?
        """),
    ),
    Relation(
        "order", "item", "item", Draw.word,
        lines("""
        {s} is for a {v}.
        The item of {s} is a {v}.
        {s} asks for one {v}.
        One {v} was bought with {s}.
        A {v} is what the customer wants with {s}.
        There is a {v} on the list of {s}.
        In the parcel of {s} is a {v}.
        """),
        bank("""
        What is {s} for?
        Which item is {s} for?
        What does {s} ask for?
        What was bought with {s}?
        Can you tell me what {s} is for?
        Name the item that {s} asks for.
        I would like to know which item was bought with {s}.
        What should be packed for {s}?
        Do you know what item {s} is for?
        Tell me which thing {s} asks for.
        What product is on the list of {s}?
        What thing lies in the parcel of {s}?
        According to the text, what is {s} for?
        Please say what item belongs to {s}.
        Which product was asked for in {s}?
        What will the customer unpack from {s}?
        """),
        bank("""
        Which order is for a {v}?
        Which order asks for one {v}?
        Name the order for a {v}.
        With which order was a {v} bought?
        Can you tell me which order is for a {v}?
        What order has a {v} on its list?
        I would like to know in which order a {v} was asked for.
        For which order should a {v} be packed?
        Do you know what order a {v} is part of?
        Tell me which order asks for a {v}.
        According to the text, which order is for a {v}?
        In the parcel of which order is a {v}?
        """),
    ),
    Relation(
        "order", "total", "total", lambda draw: draw.whole(2, 999),
        lines("""
        The total of {s} is {v} coins.
        {s} costs {v} coins in total.
        {v} coins are due for {s}.
        {v} coins is the total of {s}.
        The bill for {s} comes to {v} coins.
        For {s}, the customer has to pay {v} coins.
        A sum of {v} coins must be paid for {s}.
        """),
        bank("""
        How many coins does {s} cost?
        What is the total of {s} in coins?
        How many coins are due for {s}?
        How many coins must be paid for {s}?
        Can you tell me how many coins {s} costs?
        Name the sum in coins that is due for {s}.
        I would like to know how many coins {s} comes to.
        To how many coins does the bill for {s} add up?
        Do you know how many coins are owed for {s}?
        Tell me how many coins the bill for {s} is.
        How many coins is {s} in total?
        How much in coins will the customer spend on {s}?
        According to the text, how many coins are due for {s}?
        Please say how many coins {s} costs in total.
        To pay for {s}, how many coins are needed?
        What sum of coins stands on the bill for {s}?
        """),
    ),
    Relation(
        "order", "delivery date", "delivery", a_date,
        lines("""
        {s} arrives on {v}.
        The delivery date of {s} is {v}.
        {s} will be delivered on {v}.
        {v} is the day when {s} will arrive.
        On {v}, {s} will be at the door.
        You can expect {s} on {v}.
        The customer will get {s} on {v}.
        """),
        bank("""
        When does {s} arrive?
        On which date will {s} be delivered?
        When will {s} be delivered?
        On what day is {s} brought?
        Can you tell me when {s} arrives?
        Name the day on which {s} is delivered.
        I would like to know when {s} will be at the door.
        For what day is the arrival of {s} planned?
        Do you know when {s} will arrive?
        Tell me on which day to expect {s}.
        What day will {s} arrive?
        Until which day does one have to wait for {s}?
        According to the text, when will {s} arrive?
        Please say when {s} is going to be delivered.
        When can the customer expect {s}?
        By what date will the customer hold {s} in hand?
        """),
    ),
    Relation(
        "order", "city", "city", Draw.name,
        lines("""
        {s} goes to {v}.
        {s} is sent to {v}.
        The city for {s} is {v}.
        {v} is the city to which {s} is sent.
        The parcel of {s} will travel to {v}.
        On the label of {s} stands the city {v}.
        In {v}, somebody is waiting for {s}.
        """),
        bank("""
        Where does {s} go?
        To which city is {s} sent?
        Where is {s} sent?
        What city will {s} reach?
        Can you tell me where {s} is going?
        Name the city to which {s} goes.
        I would like to know to which city {s} is shipped.
        In what city will {s} be handed over?
        Do you know where {s} is sent?
        Tell me which city {s} is headed for.
        Where should {s} be shipped?
        What destination stands on the label of {s}?
        According to the text, to which city does {s} go?
        Please say where {s} has to go.
        For which city is {s} bound?
        In which city does the journey of {s} end?
        """),
        bank("""
        Which order goes to {v}?
        Which order is sent to {v}?
        Name the order that goes to {v}.
        What order will reach {v}?
        Can you tell me which order is going to {v}?
        What order is shipped to {v}?
        I would like to know which order is bound for {v}.
        In {v}, for which order does somebody wait?
        Do you know what order has to go to {v}?
        Tell me which order is sent to {v}.
        According to the text, which order goes to {v}?
        The label of which order shows the city {v}?
        """),
    ),
    Relation(
        "order", "courier", "courier", Draw.name,
        lines("""
        {s} is carried by {v}.
        The courier of {s} is {v}.
        {v} is the courier who brings {s}.
        {v} carries {s} to the customer.
        The parcel of {s} was given to the courier {v}.
        As courier, {v} takes care of {s}.
        It is the courier {v} who will hand over {s}.
        """),
        bank("""
        Who carries {s}?
        Which courier brings {s}?
        By whom is {s} carried?
        Who takes {s} to the door of the customer?
        Can you tell me who carries {s}?
        Name the courier who brings {s}.
        I would like to know which courier has {s}.
        To which courier was the parcel of {s} given?
        Do you know who brings {s} to the customer?
        Tell me by which courier {s} is brought.
        Who is bringing {s} to the customer?
        Whose task is it to carry {s}?
        According to the text, which courier carries {s}?
        Please say who will hand over {s}.
        Which courier takes care of {s}?
        In whose van does {s} travel?
        """),
        bank("""
        Which order does {v} carry?
        Which order is carried by {v}?
        Name the order that the courier {v} brings.
        What order was given to the courier {v}?
        Can you tell me which order {v} carries?
        What order is in the hands of the courier {v}?
        I would like to know which order {v} brings to the customer.
        For what order does the courier {v} care?
        Do you know which order the courier {v} has?
        Tell me what order is brought by {v}.
        According to the text, which order does {v} bring?
        With which order is the courier {v} on the way?
        """),
    ),
    Relation(
        "order", "payment method", "payment", lambda draw: any_word(draw, _PAYMENTS),
        lines("""
        {s} is paid by {v}.
        The payment method of {s} is {v}.
        The customer pays for {s} by {v}.
        Payment by {v} was chosen for {s}.
        By {v}, the customer has paid for {s}.
        For {s}, the bill is paid by {v}.
        As a way of paying for {s}, they chose {v}.
        """),
        bank("""
        How is {s} paid?
        In which way is {s} paid?
        By what means is {s} paid for?
        What way of paying was chosen for {s}?
        Can you tell me how {s} is paid for?
        Name the way in which {s} is paid.
        I would like to know how the customer pays for {s}.
        What does the customer use to pay for {s}?
        Do you know how {s} was paid?
        Tell me in what way {s} is paid for.
        How does the customer pay for {s}?
        With which means of payment is the bill for {s} settled?
        According to the text, how is {s} paid?
        Please say how the bill for {s} is paid.
        Which way of payment does {s} have?
        By which method did the money for {s} come in?
        """),
    ),
)  # fmt: skip
