"""Many more words by kind, for training bases alone: telling by meaning is not learned from forty words of a kind.

Those of a kind stand in one text with spaces between them. No word that measuring uses is among them, and no word
stands twice (tests/unit/test_data_skills.py looks).
"""

from collections.abc import Mapping

MORE_OF_CATEGORIES: Mapping[str, str] = {
    "animals": (
        "kitten puppy calf lamb foal pony mare stallion ox bull buffalo bison moose elk reindeer gazelle llama "
        "alpaca mule rat hamster gerbil mole bat badger weasel ferret skunk raccoon panther cheetah lynx jaguar "
        "hyena jackal coyote gorilla chimpanzee baboon ape orangutan hippopotamus rhinoceros walrus seal dolphin "
        "porpoise salmon trout tuna herring eel octopus squid jellyfish lobster shrimp oyster snail slug worm "
        "beetle cricket grasshopper ladybird mosquito flea caterpillar dragonfly scorpion toad newt tortoise "
        "chameleon alligator cobra python viper hawk falcon raven crow robin finch wren lark seagull pelican stork "
        "heron ostrich turkey rooster chick parakeet dinosaur mammoth cub hound poodle terrier spaniel hare possum "
        "armadillo platypus koala wombat sloth anteater"
    ),
    "foods": (
        "pie tart pastry bun roll bagel toffee candy cereal flour dough pork beef chop roast chicken broth chowder "
        "macaroni spaghetti ravioli dumpling omelet egg eggs margarine mayonnaise vinegar syrup molasses jelly "
        "marmalade cookie cookies cracker brownie doughnut sorbet mousse salami pepperoni burger hamburger taco "
        "burrito sushi tofu hummus falafel kebab sauerkraut pancake crepe fudge nougat meringue caramel chips "
        "fries almond walnut cashew pistachio lettuce celery broccoli cauliflower turnip radish beetroot leek peas "
        "tomato carrot bean pea onion banana pear plum peach cherry grape strawberry raspberry blueberry melon "
        "mango pineapple coconut lemon lime grapefruit fig"
    ),
    "tools": (
        "file knife blade pick jack winch hook nail screw bolt rivet gauge ruler tape jigsaw lathe vice router "
        "grinder blowtorch torch paintbrush roller hose pump lawnmower rasp awl punch cutter cleaver tinderbox "
        "bellows cultivator harrow flail adze auger plane level"
    ),
    "colours": (
        "orange aquamarine burgundy cobalt coral cerise emerald fawn fuchsia ginger ivory jade mahogany puce rust "
        "saffron sand sapphire sienna tangerine taupe umber vermilion blond auburn chestnut"
    ),
    "clothes": (
        "gloves socks shoes sandals slippers mittens tights underwear pants shorts suit blazer jumper cardigan "
        "pullover hoodie parka anorak veil turban helmet crown cape gaiters garter corset petticoat bodice smock "
        "overalls dungarees jersey tracksuit bikini bathrobe nightgown nightshirt pinafore toga kimono loincloth "
        "ruff collar cuff sleeve lapel muffler bandana earmuffs sneaker moccasin clog galoshes wellingtons necktie "
        "cravat sash bracelet necklace earring"
    ),
    "vehicles": (
        "airplane aeroplane aircraft bike steamer steamboat sailboat rowboat lifeboat schooner frigate galleon "
        "battleship dinghy dory punt trawler tanker liner catamaran subway trolleybus minivan jeep pickup "
        "convertible coach stagecoach buggy chariot rickshaw sleigh sledge cab moped digger excavator forklift "
        "snowmobile steamroller bobsled airship zeppelin shuttle wheelchair hearse tank"
    ),
    "weather": (
        "rainstorm thunderstorm snowstorm raindrop raindrops sunlight sunny rainy cloudy windy foggy snowy frosty "
        "icy humid humidity haze smog hailstones gust gusts puddle icicle tempest deluge climate temperature "
        "warmth chill cold heat"
    ),
    "body": (
        "arms legs hands feet fingers toes eyes lips teeth tooth gum jawbone skull brain scalp hair beard "
        "moustache eyelash eyelashes temple nape collarbone armpit forearm biceps fist fingernail breast chest "
        "belly navel abdomen pelvis groin buttock kneecap shinbone sole instep kidney bladder bowel intestine "
        "pancreas spleen appendix gland thyroid artery vein nerve tendon ligament cartilage vertebra retina cornea "
        "pupil iris eardrum larynx windpipe"
    ),
    "furniture": (
        "tables chairs beds shelves cupboards drawers stools benches settee loveseat bureau rack bedside bedstead "
        "headboard bunkbed cot playpen highchair rocker throne pew bookshelf bookstand armoire cushion cushions "
        "blanket quilt doormat lampshade candlestick washstand workbench counter"
    ),
    "music": (
        "horn cornet fife whistle pipe pipes bell chimes triangle tabla bongo bongos kettledrum timpani snare "
        "keyboard harpsichord clavichord spinet bass contrabass guitars violins drums trumpets sitar balalaika "
        "dulcimer didgeridoo kazoo ocarina concertina fiddles"
    ),
    "jobs": (
        "physician midwife pharmacist chemist scientist professor lecturer tutor student clerk accountant banker "
        "broker merchant grocer greengrocer fishmonger florist hairdresser beautician model actor actress musician "
        "composer conductor artist sculptor photographer author poet journalist reporter editor publisher printer "
        "bookseller engineer architect mechanic technician welder mason bricklayer roofer glazier joiner decorator "
        "janitor cleaner maid butler chef bartender innkeeper landlord soldier officer captain general admiral "
        "policeman policewoman detective guard fireman firefighter postman mailman messenger courier fisherman "
        "hunter woodcutter lumberjack miller brewer potter goldsmith locksmith watchmaker shoemaker seamstress "
        "milkman plowman priest monk nun bishop minister mayor senator attorney magistrate diplomat interpreter "
        "translator programmer"
    ),
    "plants": (
        "tree bush shrub hedge weed herb flower blossom fir larch ash aspen poplar sycamore hornbeam alder elder "
        "hawthorn holly yew juniper cypress redwood sequoia eucalyptus acacia magnolia mistletoe heather gorse "
        "bracken lichen seaweed algae mushroom toadstool peony pansy carnation chrysanthemum hydrangea lotus "
        "snowdrop bluebell buttercup cowslip crocus dahlia petunia azalea rhododendron wisteria honeysuckle "
        "bramble briar vine hop wheat barley rye oats maize sugarcane cotton flax hemp basil parsley sage rosemary "
        "mint oregano dill coriander"
    ),
}
"""More words of the kinds that measuring sorts by."""

OTHER_KINDS: Mapping[str, str] = {
    "family": (
        "mother father brother sister son daughter uncle aunt cousin nephew niece grandmother grandfather grandson "
        "granddaughter husband wife parent child stepmother stepfather widow widower twin orphan godmother "
        "godfather bride bridegroom mama papa mummy daddy grandma grandpa ancestor"
    ),
    "countries": (
        "France Germany Italy Spain Portugal England Scotland Ireland Wales Norway Sweden Denmark Finland Poland "
        "Russia Greece Egypt Kenya Nigeria Ghana Morocco China Japan India Nepal Thailand Vietnam Korea Indonesia "
        "Australia Canada Mexico Brazil Argentina Chile Peru Cuba Austria Hungary Switzerland Belgium Holland "
        "Israel Iraq Iran Pakistan Ethiopia"
    ),
    "cities": (
        "London Paris Berlin Rome Madrid Lisbon Vienna Athens Moscow Dublin Edinburgh Venice Florence Naples "
        "Amsterdam Brussels Stockholm Boston Chicago Philadelphia Washington Baltimore Denver Houston Dallas "
        "Seattle Toronto Sydney Melbourne Tokyo Shanghai Delhi Bombay Cairo Jerusalem"
    ),
    "languages": (
        "English French German Italian Spanish Portuguese Dutch Danish Swedish Norwegian Russian Polish Greek "
        "Latin Hebrew Arabic Turkish Persian Hindi Chinese Japanese Korean Welsh Gaelic"
    ),
    "months": "January February March April June July August September October November December",
    "days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "men": (
        "John William George Henry Charles James Robert Edward Richard Joseph David Peter Paul Michael Daniel "
        "Frank Harry Albert Arthur Samuel Walter Martin Simon Stephen Philip Andrew Anthony Oliver Tom Ben Bob Jim"
    ),
    "women": (
        "Mary Elizabeth Anne Jane Sarah Alice Emma Margaret Catherine Helen Lucy Emily Charlotte Julia Susan "
        "Martha Laura Louise Sophie Clara Rebecca Ruth Rachel Caroline Amelia Harriet Fanny Kate Nancy Betty Molly "
        "Polly"
    ),
    "numbers": (
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million"
    ),
    "diseases": (
        "cancer diabetes asthma pneumonia influenza measles mumps malaria tuberculosis cholera hepatitis arthritis "
        "anemia leukemia lymphoma epilepsy stroke migraine eczema psoriasis bronchitis pancreatitis obesity "
        "dementia autism depression schizophrenia osteoporosis cirrhosis meningitis tumor tumors infection ulcer "
        "allergy allergies lupus melanoma glaucoma cataract hypertension gout sepsis scurvy"
    ),
    "medicine": (
        "vaccine antibiotic aspirin insulin chemotherapy radiation surgery biopsy transplant bandage pill tablet "
        "syringe injection ointment prescription therapy anesthesia dialysis transfusion steroid supplement "
        "vitamin medication drug antidote sedative"
    ),
    "symptoms": (
        "fever cough headache nausea vomiting diarrhea fatigue dizziness rash itching swelling bleeding numbness "
        "weakness cramps seizures chills sneezing hoarseness constipation insomnia fainting drowsiness bruising "
        "jaundice soreness stiffness"
    ),
    "science": (
        "physics chemistry biology astronomy geology mathematics algebra geometry calculus statistics economics "
        "psychology sociology anthropology philosophy history geography grammar literature botany zoology genetics "
        "ecology medicine engineering theology"
    ),
    "elements": (
        "hydrogen helium carbon nitrogen oxygen sodium magnesium silicon phosphorus sulfur chlorine potassium "
        "calcium zinc nickel mercury lead uranium iodine lithium neon argon fluorine titanium chromium platinum "
        "bromine radon"
    ),
    "cell": (
        "cell nucleus membrane chromosome gene protein enzyme hormone mitochondria ribosome bacteria virus fungus "
        "molecule atom electron proton neutron ion antibody neuron tissue organism species genome amino glucose "
        "starch cellulose lipid"
    ),
    "mathematics": (
        "equation fraction circle square rectangle polynomial exponent logarithm variable coefficient integer "
        "matrix vector theorem sum product quotient numerator denominator slope parabola function graph axis "
        "radius diameter perimeter angle ratio decimal percentage cosine tangent"
    ),
    "economy": (
        "price market demand supply profit tax wage salary budget loan debt bank interest inflation investment "
        "stock bond dividend revenue tariff currency export import trade mortgage insurance subsidy monopoly "
        "income expense capital asset liability"
    ),
    "money": "dollar pound penny cent euro franc rupee shilling coin note cheque dime quarter farthing guinea peso yen",
    "government": (
        "president king queen prince princess emperor parliament congress senate court constitution law election "
        "vote treaty republic monarchy democracy citizen ambassador governor treasury police army statute "
        "legislature amendment"
    ),
    "war": (
        "sword spear bow arrow shield gun rifle pistol cannon bomb grenade missile dagger musket bullet bayonet "
        "lance revolver shotgun torpedo armour battle siege soldiers cavalry infantry regiment fortress trench"
    ),
    "religion": (
        "church mosque synagogue cathedral altar prayer hymn psalm sermon bible gospel saint angel prophet apostle "
        "hell sin baptism pilgrim pope cross crucifix monastery convent worship"
    ),
    "sports": (
        "football soccer basketball baseball tennis golf hockey rugby volleyball badminton swimming skiing skating "
        "wrestling boxing fencing archery rowing sailing surfing cycling gymnastics karate judo bowling running "
        "jogging hurdles marathon polo netball climbing"
    ),
    "games": (
        "chess checkers dominoes poker bingo solitaire charades hopscotch marbles leapfrog dice cards backgammon "
        "darts billiards lotto crossword riddle tag"
    ),
    "toys": "doll ball puppet rattle swing slide hoop yoyo teddy skipping seesaw sandbox blocks spinning trampoline",
    "dishes": (
        "plate bowl cup saucer mug glass jug pitcher pan pot saucepan skillet fork ladle chopsticks tray dish "
        "goblet tumbler corkscrew colander sieve whisk grater oven stove refrigerator freezer toaster blender "
        "dishwasher"
    ),
    "drinks": (
        "water milk tea coffee cocoa juice lemonade beer wine cider whisky brandy gin rum vodka champagne soda "
        "cola ale mead sherry port espresso cappuccino smoothie liquor"
    ),
    "time": (
        "second minute hour day week month year decade century moment noon midnight dawn dusk sunrise sunset "
        "evening afternoon night autumn spring season today tomorrow yesterday weekend fortnight"
    ),
    "space": (
        "sun moon star planet comet meteor asteroid galaxy orbit Mars Venus Jupiter Saturn Neptune Uranus Pluto "
        "constellation nebula eclipse universe spacecraft"
    ),
    "land": (
        "hill cliff cave canyon desert plain plateau peninsula volcano glacier swamp marsh jungle rainforest beach "
        "coast shore reef dune creek stream brook lake pond bay gulf strait waterfall prairie tundra ridge peak "
        "summit ravine delta lagoon"
    ),
    "buildings": (
        "house cottage palace hut mansion hotel inn hospital school university factory mill museum theatre cinema "
        "station airport prison jail barracks skyscraper apartment bungalow farmhouse lighthouse windmill "
        "courthouse supermarket restaurant bakery pharmacy stadium igloo"
    ),
    "house": (
        "door roof wall floor ceiling stairs step attic doorway windowsill shutter banister gutter doorbell latch "
        "hinge lock key knob tile brick plank beam fireplace hearth radiator sink bath tap toilet basement"
    ),
    "feelings": (
        "joy happiness sadness grief anger fear love hate jealousy envy pride shame guilt surprise disgust hope "
        "despair anxiety loneliness boredom excitement delight sorrow sympathy pity affection rage terror longing "
        "regret gratitude contentment"
    ),
    "character": (
        "brave honest kind cruel greedy lazy generous patient stubborn clever foolish proud humble polite rude shy "
        "bold timid loyal selfish wise cunning gentle modest vain sincere ambitious obedient"
    ),
    "motion": (
        "walked ran jumped climbed crawled swam flew rode marched danced hurried rushed wandered strolled galloped "
        "skipped leaped slid crept sailed raced limped tiptoed"
    ),
    "speech": (
        "said asked answered replied shouted whispered cried exclaimed murmured muttered explained declared "
        "announced screamed yelled remarked inquired begged promised argued complained boasted"
    ),
    "cooking": "boil fry bake grill steam stir slice peel mash knead simmer melt pour sprinkle drain grate marinate",
    "thought": (
        "think know believe remember forget guess imagine understand wonder doubt suppose consider realize expect "
        "decide dream learn reason suspect recall"
    ),
    "size": "big small large little huge enormous tall short wide narrow thick thin long giant gigantic vast immense",
    "taste": "sweet sour bitter salty spicy bland tasty delicious juicy creamy crunchy crisp stale fresh raw ripe",
    "age": "old young new ancient modern elderly recent antique youthful aged mature newborn",
    "reading": (
        "book novel poem newspaper magazine journal diary chapter page paragraph sentence essay article letter "
        "alphabet atlas encyclopedia textbook pamphlet manuscript title index library verse"
    ),
    "writing": "pen pencil paper ink chalk crayon eraser brush typewriter marker quill parchment blackboard stamp",
    "computers": (
        "computer screen monitor laptop software hardware internet website email password folder program server "
        "database algorithm browser network modem smartphone"
    ),
    "electricity": (
        "battery wire current voltage resistor capacitor circuit switch generator motor magnet charge socket plug "
        "fuse transformer insulator turbine"
    ),
    "containers": "box bag sack jar bottle barrel crate trunk suitcase purse pouch can carton case cask bin",
    "sea": "wave tide harbour sail mast deck rudder oar dock pier fleet voyage keel buoy",
    "crime": (
        "theft murder robbery fraud burglary arson assault kidnapping bribery blackmail smuggling forgery perjury "
        "treason"
    ),
    "greetings": "hello goodbye welcome thanks sorry please congratulations farewell cheers",
    "sounds": "bang crash buzz hum roar hiss squeak creak rumble thud splash click murmur boom clatter",
    "jewels": "diamond pearl opal topaz garnet amethyst ring brooch pendant tiara",
    "farm": "field barn hay crop harvest cattle stable orchard silo manure pasture dairy flock herd",
    "fabric": "velvet satin lace flannel tweed corduroy muslin chiffon nylon polyester fleece gauze taffeta calico",
    "art": (
        "painting sculpture portrait sketch drawing mosaic statue easel canvas gallery watercolour fresco engraving"
    ),
    "stage": "drama comedy tragedy opera ballet rehearsal audience costume script scene playwright",
    "ghosts": "witch wizard dragon dwarf elf fairy ghost monster troll goblin mermaid unicorn ogre vampire werewolf",
}
MORE_GOOD = (
    "super happy fun gorgeous elegant graceful pretty cosy friendly satisfying inspiring uplifting thrilling "
    "exciting fascinating interesting entertaining hilarious dazzling sublime divine ideal incredible admired "
    "adorable comfortable smooth bright sparkling radiant"
)
MORE_BAD = (
    "unfair gloomy dreary depressing sad vile repulsive revolting foul wretched pathetic stupid silly ridiculous "
    "frustrating irritating dismaying upsetting frightening worrying confusing messy smelly noisy harsh sloppy "
    "clumsy crude inferior shameful offensive tiresome weak inadequate dire grubby"
)
