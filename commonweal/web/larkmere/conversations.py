"""What Larkmere is asked to speak about, and what people say. All of it is invented."""

from __future__ import annotations

from typing import Any, NamedTuple


class Said(NamedTuple):
    """A statement: how well liked it is, and by which of two kinds of people rather than the other.

    ``liked`` is how far above (or below) an even split it stands; ``public`` how much more those like
    it who would have the public hand do it, ``inside`` how much more those who do the work.
    """

    text: str
    liked: float
    public: float = 0.0
    inside: float = 0.0
    said_as: str = ""  # empty: put there by those who ask


class Told(NamedTuple):
    """What was answered to a statement: by its number, how many days from today."""

    number: int
    days: float
    heed: str
    words: str


class Conversation(NamedTuple):
    """A conversation: what is asked, where, when in days from today, and how many speak."""

    question: str
    background: str
    what_happens: str
    promised_by: str
    promised_in: int
    place: str  # the short name of a neighbourhood, or "" for the whole borough
    challenge: str
    opens: int
    closes: int | None
    said: tuple[Said, ...]
    people: int = 0
    settings: dict[str, Any] = {}  # never changed
    details: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()
    told: tuple[Told, ...] = ()
    report: tuple[str, str] | None = None  # in short, and what is advised
    step: str = ""  # the first step that is left to do, of one that is being set up


AGES = (
    "How old are you?",
    (("Under 25", 210), ("25 to 44", 280), ("45 to 64", 290), ("65 or over", 220)),
)
STANDING = (
    "What brings you here?",
    (
        ("I get care at home", 12),
        ("I look after somebody", 118),
        ("I work in care", 21),
        ("None of these", 849),
    ),
)

USER, CARER, STAFF, RESIDENT = "service-user", "carer", "front-line-staff", "resident"

HOME_CARE = Conversation(
    "What would make help at home better?",
    "Twelve hundred people in Larkmere get help at home: to wash, to dress, to eat, to go to bed. Six hundred and forty people give it. Visits are short, faces change, and evenings begin at half past six.\n\nThe money for next year is not settled yet. What the law asks of care is fixed; how visits are planned, who comes and who decides is open.",
    "Each statement that most people of every group agree with goes to the board, and is answered here one by one. Where people divide, the board says which way it goes and why.",
    "The social care board of Larkmere Borough Council", 40, "", "home-care", -16, 12,
    (
        Said("I want to know beforehand who comes through my door.", 2.3),
        Said("Two or three carers who know me are better than a team of fourteen.", 2.1),
        Said("Half an hour should be the shortest visit.", 1.8, 0.2),
        Said("The council should run home care itself instead of paying companies.", 0.1, 2.2),
        Said("Volunteers can do much of what paid carers do today.", -0.2, -2.0, -1.0),
        Said("Council tax should rise if all of it goes to home care.", -0.3, 2.0),
        Said("People should get the money themselves to buy the care they want.", 0.2, -2.2),
        Said("A carer should decide on the spot what a visit is spent on.", 0.2, -0.4, 1.9),
        Said("Evening visits at half past six are too early.", 1.5),
        Said("Carers should be paid for the time between visits.", 2.0, 0.3, 0.8),
        Said("A sensor in the home is a good way to know that somebody is well.", 0.0, -1.5),
        Said("Weekend care is as good as care in the week.", -1.0),
        Said("The carers who come to us are kind.", 1.6),
        Said("Only trained staff should help people wash.", 0.3, 2.0, 0.6),
        Said("I know whom to call when something goes wrong.", -0.8),
        Said("I should choose the time at which I get up.", 1.9, 0.0, -0.6, USER),
        Said("Families should be paid for the care they give.", 0.6, -1.4, 0.0, CARER),
        Said("Rotas should be made by the carers themselves.", 0.1, 0.2, 2.2, STAFF),
        Said("Somebody should answer the phone when an evening visit is late.", 2.1, 0.0, 0.0, CARER),
        Said("A carer should have time to sit down for a cup of tea.", 1.7, 0.0, 0.0, USER),
        Said("Small firms that neighbours own give better care than the council.", 0.0, -1.9, -0.3, RESIDENT),
        Said("Those who own a house should pay more for their care.", -0.3, 1.4, 0.0, RESIDENT),
        Said("Families expect too much of a carer.", -0.9, 0.0, 2.2, STAFF),
        Said("A book at home should show the family what was done at each visit.", 1.3, 0.0, -0.8, CARER),
        Said("Rules about what a carer may do are too strict.", 0.3, -1.6, 0.9, STAFF),
        Said("Care at home should be free, like the hospital.", 0.2, 1.6, 0.0, RESIDENT),
        Said("A neighbour with a key makes me feel safer than a night visit.", 0.0, -1.5, 0.0, USER),
        Said("Split shifts should end.", 0.5, 0.2, 1.7, STAFF),
        Said("Getting out of the house once a week should be part of care.", 1.4, 0.2, 0.0, USER),
        Said("Every carer should be looked in on by an inspector once a year.", 0.4, 1.6, -1.0, RESIDENT),
        Said("Somebody who looks after a partner should get a week off each year.", 2.0, 0.0, 0.0, CARER),
        Said("A bath twice a week is enough.", -0.5, 0.0, 0.4),
        Said("New carers should go along with somebody for a month before they work alone.", 0.9, 0.3, 1.2, STAFF),
        Said("Meals cooked at home matter more than meals brought in.", 0.7, -0.4, 0.0, USER),
        Said("Carers should get a car from whoever employs them.", -0.2, 0.4, 1.6, STAFF),
        Said("I feel alone even on days with four visits.", -0.1, 0.0, -0.4, USER),
        Said("Lists on a telephone confuse older people.", 0.2, 0.6, -0.5, CARER),
        Said("I would tell my daughter to take up this work.", -0.4, 0.0, -1.5, STAFF),
        Said("Carers should speak the language of those they help.", 0.9, 0.0, -0.6, RESIDENT),
        Said("The first visit should come on the day somebody leaves hospital.", 1.8, 0.2, 0.0, CARER),
        Said("A pet should be looked after too when its owner is ill.", 0.4, -0.2, -0.6, USER),
        Said("One telephone number should be enough for every question about my care.", 2.2, 0.0, 0.0, CARER),
    ),
    people=340,
    settings={"minutes": 5, "enough": 20},
    details=(AGES, STANDING),
)  # fmt: skip

HOSPITAL = Conversation(
    "What would have helped you get home?",
    "About 6,200 people in Larkmere leave hospital each year. We asked those who did, those who looked after them, and those who worked on the wards.",
    "The health board answers in public each statement that most people of every group agree with. What can be done at once is done at once; the rest goes to those who write ideas for the challenge.",
    "Vale Health Board", -80, "", "getting-home-well", -188, -121,
    (
        Said("A nurse should ring on the day after I get home.", 2.3),
        Said("I was told on the ward what to do if I felt worse.", -0.4),
        Said("My medicines were ready when I left.", -0.3),
        Said("Somebody should see that the house is warm before I get there.", 2.0),
        Said("I would rather wait a day than go home at night.", 1.4),
        Said("A neighbour could do the first shopping.", 1.1, -1.0),
        Said("A paid carer should be there on the first evening.", 0.9, 1.3),
        Said("My family was asked whether they can cope.", -0.6),
        Said("The letter to my doctor should come to me too.", 2.1),
        Said("I would take a video call for the first check.", 0.0, -1.6),
        Said("The hospital should pay for every taxi home.", 0.5, 1.2, 0.0, RESIDENT),
        Said("One person should answer for everything until I am settled.", 2.0, 0.0, 0.0, USER),
        Said("Beds should be kept free even if people go home sooner for it.", -0.6, -0.4, 1.4, STAFF),
        Said("I felt safe during the first night at home.", 0.1, 0.0, 0.0, USER),
        Said("A leaflet was enough for me.", -1.2, -0.4, 0.0, USER),
        Said("The same nurse should visit for the whole first month.", 1.5, 0.3, -0.8, CARER),
        Said("A bed, rails or a chair should be in place before somebody leaves.", 2.2, 0.0, 0.0, CARER),
        Said("Home carers should hear of it a day ahead.", 2.2, 0.0, 0.6, STAFF),
        Said("People who live alone should stay a day longer.", 0.4, 0.9, -0.9, RESIDENT),
        Said("A chemist should come to the house within a week.", 0.9, 0.4, 0.0, CARER),
    ),
    people=170,
    settings={"minutes": 4, "enough": 15},
    details=(AGES,),
    told=(
        Told(1, -100, "looking", "A ward has tried it for a month with 40 people. We are working out what it would cost for everybody, and say so here by the end of the month."),
        Told(1, -66, "done", "Since September a nurse of the ward rings everybody on the day after. In the first month 480 of 512 people were reached, and 61 calls led to a visit the same day."),
        Told(9, -92, "done", "Since August the letter goes to you on the same day as to your doctor: on paper, or by email if you prefer."),
        Told(4, -88, "doing", "Two groups of neighbours have taken on the streets around the hospital. Four more are wanted: see the ideas of the challenge."),
        Told(17, -86, "doing", "The store of beds and rails now opens at seven. From January nobody is sent home before the nurse on the ward has seen that everything is there."),
        Told(12, -80, "looking", "This divides those who do the work: it asks for a new post on each ward. The board decides in January, and we answer here."),
        Told(11, -80, "not-now", "It would cost about £210,000 a year, as much as five nurses. People on a low income can have their fare back: the ward has the form."),
        Told(18, -71, "done", "Home carers get a message when a date is set and again when somebody leaves the ward. Before, four in ten heard of it on the day."),
    ),
    report=(
        "Nearly everybody wants the same after hospital: a warm house, somebody who rings on the day after, a letter of their own, and one person who answers for everything.\n\nPeople differ on who should pay and who should come: a taxi for all, a paid carer on the first evening, a first check by video.",
        "Do at once what nearly everybody agrees on and what costs little: the call, the letter, and the message to home carers.\n\nPut the first evening before people again, with its price: this is where they divide.",
    ),
)  # fmt: skip

MARKET_HALL = Conversation(
    "What should the old market hall be for?",
    "The old market hall has stood empty for four years. Its roof was mended in spring. It can be let, lent or run by the council, but not sold; nothing else is decided.",
    "What most people share becomes the brief for those who want to run the hall. Where people divide, two plans are drawn and shown in the hall.",
    "The markets and squares committee", 75, "old-town", "", 9, 40,
    (
        Said("The hall should be open every day of the week.", 0.0),
        Said("A market should come back on Saturdays.", 0.0),
        Said("Young people should have a corner of their own.", 0.0),
        Said("The hall should earn its own keep.", 0.0),
        Said("Music should be allowed until eleven at night.", 0.0),
        Said("A café is what the Old Town needs most.", 0.0),
        Said("Clubs should use the hall for free.", 0.0),
        Said("The hall is beautiful as it is.", 0.0),
        Said("A repair shop would bring more people than a gallery.", 0.0),
        Said("Shops in the square would lose trade to a market.", 0.0),
        Said("Residents should run the hall themselves.", 0.0),
        Said("Parking next to the hall matters to me.", 0.0),
    ),
    settings={"reach": "place", "level": 1, "minutes": 4},
    details=(AGES,),
)  # fmt: skip

FERRY_STEPS = Conversation(
    "What should happen at the ferry steps?",
    "The steps below the bridge are the only place in Quayside where you can touch the water. The harbour will rebuild them next year, whatever we say; how they look is open.",
    "Quayside’s councillor takes what people share to the harbour’s architect, and tells here what came of it.",
    "The councillor for Quayside", 60, "quayside", "", -5, 24,
    (
        Said("The steps should stay open at night.", 0.9),
        Said("A railing would spoil the view.", -0.1, -1.2),
        Said("Somebody in a wheelchair should be able to get down to the water.", 1.6),
        Said("Swimming should be allowed there in summer.", 0.3, -0.9),
        Said("The old stones should be used again.", 1.2),
        Said("More light would make me feel safe there.", 0.9, 0.8),
        Said("A kiosk with coffee would be welcome.", 0.6, 0.0, 0.0, RESIDENT),
    ),
    people=13,
    settings={"minutes": 2, "enough": 7, "moderation": "after"},
)  # fmt: skip

BUSES = Conversation(
    "How should people get about in Fold Green?",
    "A bus goes every hour until seven. The contract ends next autumn.",
    "", "", 0, "fold-green", "", 20, 45,
    (
        Said("Buses should run later and be cheaper.", 0.0),
        Said("Why does the last bus leave at seven?", 0.0),
        Said("The council should not stop the Sunday bus.", 0.0),
        Said("Everyone knows the bus is always late.", 0.0),
        Said("DRT would be better than a fixed timetable.", 0.0),
        Said("A shared car in the village would do for me.", 0.0),
        Said("It should be free.", 0.0),
    ),
    step="people",
)  # fmt: skip

CONVERSATIONS = (HOME_CARE, HOSPITAL, MARKET_HALL, FERRY_STEPS, BUSES)

# Added to the open one just now: they wait for whoever moderates.
WAITING = (
    ("samina", "service-user", "A visit on my birthday would be lovely."),
    ("gareth", "front-line-staff", "Carers should be able to ring the ward directly."),
    ("rosa", "resident", "Ring Mrs Bevan on 01632 960 204, she knows who is to blame."),
)
