"""Ordinary words by kind. Every fourth of a list is never used in training; no word stands in two lists."""

from collections.abc import Sequence

from tunewright.data.skills.item import Draw, Part, Parted
from tunewright.data.skills.word_kinds import MORE_BAD, MORE_GOOD, MORE_OF_CATEGORIES, OTHER_KINDS

ANIMALS = Parted.of_words(
    "tiger cow horse lion sheep goat rabbit mouse wolf bear eagle frog duck fox pig snake camel monkey donkey whale "
    "spider hen deer turtle owl zebra shark cat dog crab swan beaver "
    "giraffe elephant lizard parrot penguin kangaroo squirrel hedgehog otter antelope pigeon sparrow wasp ant bee "
    "butterfly leopard crocodile peacock goose panda moth"
)
FOODS = Parted.of_words(
    "bread rice cheese soup butter honey jam cake beans salad pasta meat fish corn yogurt porridge noodles toast "
    "chocolate pizza pudding ham bacon lentils pancakes popcorn gravy stew garlic spinach carrots potatoes "
    "onions sausage omelette mustard pickles sugar pepper cabbage mushrooms lasagne curry muffin biscuits waffles "
    "ketchup oatmeal cucumber peanuts raisins custard sandwich steak"
)
TOOLS = Parted.of_words(
    "hammer saw drill wrench shovel pliers rake axe chisel screwdriver ladder spade crowbar sander pickaxe clamp "
    "sickle trowel hoe mallet scythe spanner scissors tweezers tongs broom mop wheelbarrow toolbox pincers anvil "
    "sledgehammer "
    "hacksaw shears chainsaw pitchfork handsaw stapler plunger spatula pulley grindstone plough lever"
)
COLOURS = Parted.of_words(
    "red blue green yellow purple brown black white pink grey violet gold silver turquoise scarlet crimson beige "
    "maroon indigo teal lilac magenta navy tan bronze cream olive ruby "
    "mauve khaki amber azure cyan ochre sepia charcoal apricot"
)
CLOTHES = Parted.of_words(
    "shirt hat coat scarf glove sock shoe boot dress skirt jacket sweater belt cap trousers vest apron sandal tie "
    "robe cloak mitten hood shawl jeans blouse slipper raincoat pyjamas uniform bonnet kilt "
    "tuxedo stockings leggings sweatshirt overcoat swimsuit waistcoat trainers gown sari poncho beret"
)
VEHICLES = Parted.of_words(
    "car bus train truck bicycle boat ship tram jet ferry taxi van tractor helicopter scooter canoe sled wagon rocket "
    "submarine motorbike raft cart lorry minibus balloon yacht barge glider tricycle skateboard caravan "
    "limousine locomotive gondola hovercraft ambulance bulldozer motorcycle carriage pram kayak spaceship trolley"
)
WEATHER = Parted.of_words(
    "rain snow wind storm fog sunshine thunder lightning hail frost cloud breeze rainbow mist drizzle blizzard "
    "hurricane heatwave tornado shower sleet gale dew flood drought monsoon ice typhoon cyclone downpour "
    "sandstorm snowfall hailstorm slush whirlwind thaw squall snowflake"
)
BODY = Parted.of_words(
    "arm leg hand foot head knee elbow shoulder finger toe nose ear eye mouth neck chin back stomach ankle wrist hip "
    "thumb tongue cheek lip throat forehead eyebrow heel skin bone muscle "
    "jaw thigh waist shin eyelid nostril knuckle ribs spine heart lung liver"
)
FURNITURE = Parted.of_words(
    "table chair bed sofa desk shelf cupboard wardrobe stool bench mirror lamp carpet drawer bookcase armchair cradle "
    "curtain pillow mattress cabinet couch hammock rug footstool dresser sideboard clock "
    "crib bunk futon recliner nightstand lectern chandelier ottoman"
)
MUSIC = Parted.of_words(
    "piano violin guitar flute drum trumpet harp cello clarinet organ tuba banjo saxophone trombone oboe accordion "
    "harmonica fiddle bassoon tambourine xylophone lute bagpipes mandolin cymbal ukulele bugle piccolo "
    "zither synthesizer gong maracas viola recorder castanets lyre"
)
JOBS = Parted.of_words(
    "baker teacher farmer doctor sailor painter driver nurse singer writer cook builder lawyer dancer pilot judge "
    "tailor fisher gardener carpenter butcher barber plumber miner waiter weaver shepherd librarian "
    "dentist surgeon secretary optician plasterer cobbler blacksmith jeweller cashier porter astronaut "
    "electrician"
)
PLANTS = Parted.of_words(
    "rose tulip oak pine lily daisy grass fern moss willow cactus maple birch ivy bamboo orchid palm clover nettle "
    "poppy sunflower daffodil cedar elm thistle lavender reed hazel "
    "spruce beech foxglove primrose dandelion marigold thyme begonia jasmine hyacinth geranium"
)
ROOMS = Parted.of_words(
    "kitchen bedroom hall cellar attic garage bathroom study office garden barn workshop stable classroom pantry "
    "lobby shed tower tent cabin "
    "nursery library laundry gym porch balcony corridor chapel warehouse studio greenhouse salon"
)
MATERIALS = Parted.of_words(
    "wood glass stone iron paper clay wool leather plastic cotton steel copper rubber silk wax straw brass marble "
    "linen tin "
    "cork concrete denim granite velvet felt slate cardboard porcelain aluminium canvas"
)
GOOD = Parted.of_words(
    "lovely wonderful great excellent perfect delightful fantastic brilliant superb pleasant splendid amazing "
    "beautiful charming good nice marvellous terrific outstanding enjoyable fine magnificent impressive fabulous "
    "glorious admirable refreshing remarkable stunning flawless exquisite heavenly lively "
    "cheerful"
)
BAD = Parted.of_words(
    "terrible awful horrible bad disgusting boring dreadful nasty poor unpleasant disappointing dull ugly broken "
    "useless annoying miserable rotten lousy hopeless worthless shabby painful dirty "
    "horrid ghastly mediocre appalling tedious grim filthy atrocious dismal unbearable hideous faulty"
)
_CATEGORIES = {
    "animals": ANIMALS,
    "foods": FOODS,
    "tools": TOOLS,
    "colours": COLOURS,
    "clothes": CLOTHES,
    "vehicles": VEHICLES,
    "weather": WEATHER,
    "body": BODY,
    "furniture": FURNITURE,
    "music": MUSIC,
    "jobs": JOBS,
    "plants": PLANTS,
}
CATEGORIES = tuple(_CATEGORIES.values())
"""Kinds that an input can be sorted by: most readers would put each word in its own kind only."""

PLAIN = Parted.of_words(
    "river window letter morning saddle bridge pocket corner market winter summer island forest story picture village "
    "mountain candle button basket ribbon lantern pebble anchor barrel harbour meadow journey whistle feather blanket "
    "kettle curb needle orchard chimney pillar bell fountain "
    "bucket compass diamond envelope fence gate handle hill jewel kite magnet napkin ocean paddle "
    "quilt rope spoon staircase teapot tunnel umbrella valley wheel yard zipper bottle castle dictionary engine "
    "festival harvest insect notebook puzzle sculpture telescope thread"
)
"""Words for lists and texts to copy, where their meaning does not matter."""

_OPEN_SHARE, _NONCE_SHARE = 0.5, 0.4
_OPEN_SHARE_OF_MANY, _NONCE_SHARE_OF_MANY = 0.75, 0.2
"""The same where the maker of an item brought words of its own: they are many more than those listed here."""
_NUM_FREQUENT = 2_000
"""Of the open words, the first: they are one token each."""
_OPEN_KINDS_SHARE, _NUM_OPEN_KINDS = 0.5, 4
"""How often, where there are open kinds, texts are sorted by some of them, and by how many at most."""
_LISTS = (*CATEGORIES, ROOMS, MATERIALS, GOOD, BAD, PLAIN)
_ANY = tuple(word for words in _LISTS for word in words.train if word[0] not in "aeiou")
"""Words that training may use for anything; `a` fits before each."""


_WIDE_CATEGORIES = tuple((*words.train, *MORE_OF_CATEGORIES[name].split()) for name, words in _CATEGORIES.items())
_WIDE_KINDS = (*_WIDE_CATEGORIES, *(tuple(words.split()) for words in OTHER_KINDS.values()))
_WIDE_GOOD, _WIDE_BAD = (*GOOD.train, *MORE_GOOD.split()), (*BAD.train, *MORE_BAD.split())


def categories(draw: Draw) -> Sequence[Sequence[str]]:
    """Kinds of words to sort texts by; where a base is trained, more of them and with more words."""
    if not draw.open_words.words:
        return [words.of(_sorted_part(draw)) for words in CATEGORIES]
    if draw.open_words.kinds and draw.chance(_OPEN_KINDS_SHARE):
        return open_kinds_apart(draw, _NUM_OPEN_KINDS)
    return _WIDE_CATEGORIES if draw.chance(0.5) else _WIDE_KINDS


def open_kinds_apart(draw: Draw, num: int) -> list[Sequence[str]]:
    """Draw num of the open kinds that have no word in common; there have to be so many."""
    chosen: list[Sequence[str]] = []
    used: set[str] = set()
    while len(chosen) < num:
        kind = draw.choice(draw.open_words.kinds)
        if used.isdisjoint(kind):
            chosen.append(kind)
            used.update(kind)
    return chosen


def opinions(draw: Draw) -> tuple[Sequence[str], Sequence[str]]:
    """Words of praise and of blame; where a base is trained, more of them."""
    part = _sorted_part(draw)
    return (_WIDE_GOOD, _WIDE_BAD) if draw.open_words.words else (GOOD.of(part), BAD.of(part))


def _sorted_part(draw: Draw) -> Part:
    return "train" if draw.known_words else draw.part


def frequent_word(draw: Draw) -> str:
    """Draw one of the words that texts use most; there have to be open words."""
    return draw.choice(draw.open_words.words[:_NUM_FREQUENT])


def any_word(draw: Draw, words: Parted) -> str:
    """Draw a word of the list or, half of the time in training, any word at all, nonce words among them.

    A model that always meets the same forty words as answers learns them by heart and chooses among them instead of
    copying what stands in the text: a text said yellow, and it wrote blue.
    """
    if not _is_open(draw):
        return draw.pick(words)
    nonce_share = _NONCE_SHARE_OF_MANY if draw.open_words.words else _NONCE_SHARE
    return draw.word() if draw.chance(nonce_share) else draw.choice(draw.open_words.words or _ANY)


def any_words(draw: Draw, words: Parted, num: int) -> list[str]:
    """Draw num different words of the list or, half of the time in training, of all lists together."""
    return draw.sample(draw.open_words.words or _ANY, num) if _is_open(draw) else draw.picks(words, num)


def _is_open(draw: Draw) -> bool:
    return draw.part == "train" and draw.chance(_OPEN_SHARE_OF_MANY if draw.open_words.words else _OPEN_SHARE)


def measured_words() -> frozenset[str]:
    """Every word that only measuring uses, with its plural or its singular."""
    held_out = [word for words in _LISTS for word in words.held_out]
    return frozenset(form for word in held_out for form in (word, f"{word}s", word.removesuffix("s")))


def opinion_words() -> frozenset[str]:
    """Every word of praise or blame that training uses."""
    return frozenset((*_WIDE_GOOD, *_WIDE_BAD))


def listed_words() -> frozenset[str]:
    """Every word of every list, of both parts."""
    return frozenset(word for words in _LISTS for word in (*words.train, *words.held_out))
