"""Documents that Larkmere comments on: one open, one closed and revised, one still to come."""

from typing import NamedTuple


class Said(NamedTuple):
    """What somebody says about a passage (0: the whole document), and the replies to it."""

    who: str  # an example person, or a standing, or a guest's name behind "guest:"
    passage: int
    stance: str
    words: str
    wording: str = ""
    agreed: int = 0
    replies: tuple[tuple[str, str], ...] = ()
    answer: tuple[str, str] = ("", "")
    channel: str = ""


class Told(NamedTuple):
    """A hearing: its document, its days from now, and what was said."""

    title: str
    challenge: str
    about: str
    decides: str
    days: tuple[int, int]
    reach: str
    text: str
    said: tuple[Said, ...] = ()
    answers: tuple[tuple[int, str, str], ...] = ()
    outcome: str = ""
    revised: str = ""
    why: str = ""


GOING_HOME = """# Draft standard for going home from hospital

This is what everyone who leaves hospital in Larkmere can expect. It is a draft. Nothing is decided.

## 1. Before you leave

1.1 You are told the day you go home at least **two days** before.

1.2 Somebody asks you who will be there when you get in, and writes it down.

1.3 You get one sheet of paper, in words you can read, with:

- your medicines and when to take them
- whom to call by day and by night
- what should worry you, and what should not

1.4 If you speak Welsh, you are offered all of this in Welsh before you ask.

## 2. The day you leave

2.1 You leave before 4pm, unless you ask to leave later.

2.2 Your medicines are ready when you are.

2.3 If you cannot get home by yourself, the hospital finds you a lift. It does not send you to the bus stop.

| Time | What happens |
|---|---|
| By 10am | Your doctor has signed |
| By 1pm | Your medicines are packed |
| By 4pm | You are on your way |

## 3. The first week

3.1 Somebody you have met before calls you on the second day.

3.2 If you need help to wash, dress or eat, it begins on the day you get home.

3.3 If something goes wrong, one number answers, and the person who answers can change your plan.

## 4. How we will know

4.1 Everyone is asked on the thirtieth day whether they feel safe at home.

4.2 The answers are published every three months, with the reasons for what did not work.
"""

SQUARE = """# Rules for the market square after dark

The square is lit and open every evening. These rules say what may happen there.

## Music

1. Music may be played until 10pm from Sunday to Thursday.

2. Music may be played until midnight on Friday and Saturday.

3. Nobody needs a licence to sing or to play without an amplifier.

## Stalls

4. Food stalls pay £25 an evening.

5. A stall takes its rubbish home.

## Cars

6. Cars may cross the square after 7pm.

7. Deliveries are made before 9am.
"""

SQUARE_REVISED = """# Rules for the market square after dark

The square is lit and open every evening. These rules say what may happen there.

## Music

1. Music may be played until 10pm from Sunday to Thursday.

2. Music may be played until 11pm on Friday and Saturday, and until midnight six times a year.

3. Nobody needs a licence to sing or to play without an amplifier.

## Stalls

4. Food stalls pay £10 an evening in their first year and £25 after that.

5. A stall takes its rubbish home.

## Cars

6. Deliveries are made before 9am.

## Quiet

7. A phone number answers until midnight when it is too loud. What was done about it is published every month.
"""

PARKS = """# What our parks are for: a draft

1. Every home in Larkmere has a park within ten minutes on foot by 2035.

2. Half of every park is left to grow.

3. No park is locked at night.
"""

HEARINGS = (
    Told(
        "Draft standard for going home from hospital", "getting-home-well",
        "Last year 4 in 10 people told us that their first night at home went wrong. With nurses, carers and"
        " people who had just been in hospital we wrote down what everyone should be able to expect.\n\n"
        "We ask you before it is decided. Say which parts you support, which you would change, and what we forgot.",
        "The health board, on its first meeting in March. It reads every comment and answers each passage.",
        (-9, 19), "everyone", GOING_HOME,
        (
            Said("rosa", 4, "change", "Two days is not enough to get my brother here from Leeds.", "You are told the day you go home at least three days before.", 23,
                 (("gareth", "On many wards we only know the day before. We could give a likely day early and say that it may move."), ("resident", "A likely day would already help."))),
            Said("service-user", 4, "support", "I was told at breakfast and left at noon. Two days would have changed everything.", "", 12),
            Said("carer", 5, "support", "Nobody asked. I was at work, and she sat on the step.", "", 31),
            Said("front-line-staff", 5, "change", "It has to be the same person who acts on it, or it is one more form.", "Somebody asks you who will be there when you get in, and arranges help if nobody will.", 17),
            Said("samina", 6, "support", "One sheet! I had eleven.", "", 19),
            Said("carys", 8, "change", "Please say who to call in British Sign Language too.", "whom to call by day and by night, by voice, text or video", 8),
            Said("resident", 10, "support", "Diolch. My mother could not follow a word.", "", 14),
            Said("resident", 12, "oppose", "4pm is when the ward is busiest. It will mean people are rushed out at 3.", "", 9,
                 (("front-line-staff", "We tried it on one ward: the rush moved to noon, and then it went away."),)),
            Said("guest:A daughter", 14, "support", "They sent my father, 84, to the number 12 with a walking frame."),
            Said("charity", 14, "change", "Say who pays for the lift, or it will be a taxi that people are billed for.", "", 6),
            Said("carer", 17, "oppose", "The second day is too late. The first night is when it goes wrong.", "Somebody you have met before calls you on the first evening.", 27),
            Said("service-user", 18, "support", "My help started after nine days.", "", 11, (), ("", "")),
            Said("enterprise", 19, "neither", "Who staffs this number at night, and may they really change a care plan?", "", 4),
            Said("resident", 0, "support", "Plain, short and the right way round. Please keep it to two pages.", "", 7),
            Said("Larkmere Carers’ Meeting", 17, "change", "Twelve of us talked about this over tea. We would all rather have a call on the first evening, even if it is short.", "", 0, (), ("", ""), "meeting"),
            Said("M. Prosser", 17, "neither", "I have no telephone. How will you reach me?", "", 0, (), ("", ""), "letter"),
        ),
    ),
    Told(
        "Rules for the market square after dark", "better-evenings",
        "More people use the square in the evening since the lights came. Some want music later, some want to"
        " sleep. These rules should let both happen.",
        "The council’s cabinet. It decided on the revised rules.",
        (-120, -85), "account", SQUARE,
        (
            Said("resident", 5, "oppose", "Midnight on both days, under my bedroom window, every week of the year?", "until 11pm on Friday and Saturday", 34, (),
                 ("partly", "Eleven on most nights. Six nights a year stay until midnight: they are announced a month before.")),
            Said("enterprise", 5, "support", "Bands will not come for less than three hours.", "", 9),
            Said("carys", 8, "change", "£25 is more than a new stall takes on a wet Tuesday.", "Food stalls pay £10 an evening in their first year.", 21, (),
                 ("taken-up", "Ten pounds in the first year, as you say.")),
            Said("rosa", 11, "oppose", "Why have a square full of people and then let cars through it?", "", 40, (),
                 ("taken-up", "No cars after dark. The rule is gone.")),
            Said("resident", 11, "support", "I drive my mother to the chapel that way.", "", 3, (),
                 ("not-taken-up", "The chapel’s own lane stays open to cars. It is forty metres longer.")),
            Said("resident", 0, "neither", "What happens when somebody breaks the rules? It does not say.", "", 15, (),
                 ("taken-up", "There is a number to call now, and we publish what we did.")),
        ),
        ((11, "taken-up", "Forty people want no cars in the evening, and three want to drive across. We take the cars out."),),
        "Six people commented, most of them about music and cars, and more than a hundred agreed with one of them. Stalls pay"
        " less in their first year, cars no longer cross after dark, and music ends at eleven on most Fridays and"
        " Saturdays. We did not keep a way for cars to the chapel: its own lane stays open.\n\n"
        "The rules hold from 1 May. We look at them again after a year, with the complaints beside them.",
        SQUARE_REVISED,
        "You said that midnight every weekend was too late, that new stalls could not pay £25, and that cars have no"
        " place among people. We changed all three. You also asked what happens when a rule is broken: rule 7 is new.",
    ),
    Told(
        "What our parks are for: a draft", "",
        "Before we write a ten-year plan for the parks we want to agree on what they are for.",
        "The full council, in the summer.",
        (12, 60), "account", PARKS,
    ),
)  # fmt: skip
