"""What the surveys of Larkmere ask, and what people answered: one of each state."""

from typing import Any, NamedTuple


class Q(NamedTuple):
    """One item of a survey: its kind, words, choices with how likely each is, and its settings.

    ``when`` names an earlier item by its place, and the choices (or the two numbers) that show it.
    """

    kind: str
    words: str = ""
    choices: tuple[tuple[str, int], ...] = ()
    says: dict[str, Any] = {}
    when: tuple[int, tuple[Any, ...]] | None = None
    other: str = ""
    texts: tuple[str, ...] = ()


class Told(NamedTuple):
    """A survey: its days from today, how many answered, and what was said about it afterwards."""

    title: str
    challenge: str
    place: str
    opens: int
    closes: int
    people: int
    why: str
    happens: str
    thanks: str
    items: tuple[Q, ...]
    says: dict[str, Any] = {}
    heard: str = ""
    state: str = "public"


AGES = Q(
    "one", "How old are you?",
    (("16 to 24", 6), ("25 to 44", 20), ("45 to 64", 33), ("65 to 79", 31), ("80 or over", 8), ("I would rather not say", 2)),
    {"is_about_you": True, "here": (11_500, 20_400, 19_100, 9_900, 3_300)},
)  # fmt: skip
WHERE = Q("place", "Where do you live?", says={"spot": "area", "is_about_you": True})

SURVEYS = (
    Told(
        "Your first month at home after hospital", "getting-home-well", "", -170, -140, 268,
        "Too many people go home to a cold house, no food and nobody to ask. Before anybody wrote an idea,"
        " we wanted to know where it goes wrong first.",
        "The discharge team read every answer by the end of the month after it closed. What it found"
        " stands on this page, and it went into the challenge as its first evidence.",
        "Thank you. Somebody will go home to a warmer house because of it.",
        (
            Q("words", says={"help": "Think of the last time that you, or somebody you look after, came home after at least one night in hospital."}),
            Q("one", "Who are you answering for?", (("Myself", 58), ("Somebody I look after", 37), ("Nobody: I work with people who come home", 5)), {"is_required": True}),
            Q("scale", "How ready was the home on the first day?", says={"lowest": 1, "highest": 5, "low_words": "Nothing was ready", "high_words": "All was ready", "leans": (22, 30, 24, 16, 8)}, when=(1, ("Myself", "Somebody I look after"))),
            Q("several", "What was missing in the first week?", (("A warm house", 38), ("Food in the cupboard", 44), ("Somebody to ask", 61), ("Medicines explained", 35), ("A bed or rail that fits", 19), ("Nothing was missing", 9)), {"most": 3, "help": "The three that mattered most."}, other="Something else"),
            Q("page", "How it went on"),
            Q("number", "How many days passed before somebody came or called?", says={"unit": "days", "lowest": 0, "highest": 60, "leans": (0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 7, 8, 10, 12, 14, 21)}),
            Q("one", "Did you, or they, have to go back to hospital within the month?", (("Yes", 19), ("No", 76), ("I do not know", 5))),
            Q("text", "What would have kept you at home?", says={"is_long": True, "letters": 1000}, when=(6, ("Yes",)), texts=(
                "A nurse I could ring at night. I waited till it was an ambulance.",
                "The tablets were three pages long. Nobody went through them with my wife.",
                "Heating. The key meter was empty and I could not get down to the shop.",
                "Somebody to look at the wound on day four, not day nine.",
            )),
            Q("text", "What one thing would you change?", says={"is_long": True, "letters": 1000}, texts=(
                "Ring me the next morning. Just once. That is all.",
                "Let the pharmacist come to the bed before we leave.",
                "Put the heating on before we get there.",
                "Give my daughter a name and a number, not a leaflet.",
                "Do not send people home on a Friday evening.",
                "A neighbour going in first would have saved us a week.",
                "The bed came after three weeks. By then my mother slept in the chair.",
                "Ask who does the shopping. Nobody asked.",
            )),
            Q("page", "About you", says={"help": "So that we see whom we did not hear. You can leave all of it out."}),
            AGES,
            WHERE,
        ),
        heard="Most of you said: it is not the hospital, it is the first three days.\n\nSix in ten had nobody to ask,"
        " and half waited more than four days until somebody came or called. People who were called on the day"
        " after were content with much less.\n\nWe will: ask in the challenge for ideas about the first three days."
        " We will not: move the hour of discharge this year, because the ambulances are booked until March.",
    ),
    Told(
        "Care at home in the evening", "home-care", "", -9, 19, 143,
        "Rounds are planned anew in January. How long a visit is by law stays as it is; when people come, and"
        " who comes, is open.",
        "The planners read all of it before Christmas. What it found, and what changes in the rounds, stands on"
        " this page by the end of January.",
        "Thank you. The planners begin with what you wrote.",
        (
            Q("one", "Do you get care at home?", (("Yes, I get it", 34), ("Somebody I look after gets it", 41), ("I give it, as my work", 14), ("None of these", 11)), {"is_required": True}),
            Q("scale", "How well does the evening visit fit your day?", says={"lowest": 0, "highest": 10, "low_words": "Not at all", "high_words": "Perfectly", "leans": (5, 6, 9, 12, 13, 15, 12, 10, 9, 5, 4)}, when=(0, ("Yes, I get it", "Somebody I look after gets it"))),
            Q("one", "When would be the right time to be helped to bed?", (("Before 8pm", 8), ("8pm to 9pm", 22), ("9pm to 10pm", 38), ("After 10pm", 26), ("It changes from day to day", 6)), when=(0, ("Yes, I get it", "Somebody I look after gets it"))),
            Q("several", "What matters most in the evening?", (("The same faces", 57), ("The time I choose", 52), ("No hurry", 47), ("Somebody who speaks my language", 12), ("Help with the cat, the bins, the post", 18)), {"most": 2}, other="Something else"),
            Q("page", "Your work", says={"help": "Three questions for those who give care."}, when=(0, ("I give it, as my work",))),
            Q("number", "How many people do you see in one evening?", says={"lowest": 0, "highest": 40, "unit": "people", "leans": (5, 6, 7, 7, 8, 8, 9, 10, 11, 12)}),
            Q("text", "What would let you stay longer where it is needed?", says={"letters": 500, "is_long": True}, texts=("Shorter ways between them. I drive past the same house twice.", "If the office trusted us to swap two visits.")),
            Q("page", "About you", says={"help": "So that we see whom we do not hear. You can leave all of it out."}),
            WHERE,
            AGES,
            Q("text", "Is there anything we did not ask?", says={"letters": 1000, "is_long": True}, texts=(
                "My husband is put to bed at seven in June. The sun is still in his face.",
                "They are kind. They are always running.",
                "Tell me who comes. A strange voice in the dark frightens her.",
                "I could wait until ten if I knew they would come at ten.",
            )),
        ),
        {"paper_to": "Any library, or your carer"},
    ),
    Told(
        "Benches, lamps and toilets", "", "", -33, -3, 88,
        "There is money for forty benches, thirty lamps or two toilets, or some of each.",
        "The streets team read the answers this month. The plan, with reasons, is on this page before the cabinet"
        " decides on it.",
        "",
        (
            Q("several", "What do you miss most on your ways?", (("A bench", 48), ("A lamp", 55), ("A toilet", 39), ("A crossing", 17)), {"most": 2, "is_required": True}, other="Something else"),
            Q("place", "Near which point?", says={"spot": "postcode", "help": "Leave it empty if you have none in mind."}),
            Q("scale", "How safe do you feel there after dark?", says={"lowest": 1, "highest": 5, "low_words": "Not safe", "high_words": "Safe", "leans": (21, 27, 26, 18, 8)}),
            Q("text", "Say exactly where, and why there", says={"letters": 300}, texts=(
                "Between the bridge and the pool there is nothing to sit on, and my knees give up half way.",
                "The path behind the chapel. Two lamps would do.",
                "A toilet by the market, open after four.",
                "The steps at Weavers’ Bank. My mother counts them.",
                "Outside the surgery in Highfold: people wait in the rain.",
            )),
        ),
        {"paper_to": "Any library"},
    ),
    Told(
        "Swimming when the pool is shut", "", "old-town", 6, 34, 0,
        "The pool in Old Town is shut for its new roof from March to September.",
        "The leisure team read the answers in the week after it closes, and book buses and lanes by them.",
        "",
        (
            Q("one", "How often do you swim there?", (("Once a week or more", 1), ("Sometimes", 1), ("Never", 1)), {"is_required": True}),
            Q("several", "What would help while it is shut?", (("A bus to the pool in the next town", 1), ("Lanes at the school pool", 1), ("Something else that moves me", 1)), when=(0, ("Once a week or more", "Sometimes"))),
        ),
    ),
    Told(
        "The new hub in Highfold", "", "highfold", 20, 50, 0,
        "", "", "",
        (
            Q("one", "Don’t you agree that the hub is excellent and should be implemented going forward?", (("Yes", 1), ("Of course", 1)), {"is_required": True}),
        ),
        state="draft",
    ),
)  # fmt: skip
