"""What Larkmere is asking, and what should get better."""

from typing import Any

CHALLENGES: tuple[dict[str, Any], ...] = (
    {
        "slug": "getting-home-well",
        "service": "leaving-hospital",
        "owner": "vale-health",
        "title": "Getting home well after a hospital stay",
        "question": "What would have helped in the first month at home?",
        "background": "About 6,200 people in Larkmere leave hospital each year. Too many go home to a cold house, no food and no one to ask. We want the first month at home to feel safe.",
        "who_is_concerned": "People who leave hospital, those who look after them, and the nurses, therapists and carers who help.",
        "money_pence": 240_000_00,
        "outcomes": (
            ("I can do what matters to me", "People home for 30 days", "A phone call 30 days after going home", "people in 100", 58, 66, 75),
            ("My carer can cope", "Family carers", "A phone call 30 days after going home", "people in 100", 49, 52, 65),
            ("I stayed out of hospital for a month", "Everyone who went home", "Hospital records", "people in 100", 83, 86, 90),
        ),
        # days from today at which each stage opens and closes
        "stages": {"listen": (-190, -120), "propose": (-120, -20), "decide": (-12, 20)},
    },
    {
        "slug": "home-care",
        "service": "home-care",
        "owner": "larkmere-council",
        "title": "Home care that fits the day",
        "question": "How can home care be better?",
        "background": "Twelve hundred people in Larkmere have help at home each day. They tell us they are washed and fed, and that the day is still not theirs: too many faces, too little time, and bed at eight. We ask those who get care and those who give it what would change that.",
        "who_is_concerned": "People who get care at home, their families, and 640 home carers.",
        "money_pence": 300_000_00,
        "outcomes": (
            ("I decide how my day goes", "People who get care at home", "Asked at home, every quarter", "people in 100", 41, 43, 60),
            ("I know the people who come", "People who get care at home", "Different carers in a month, from visit records", "carers a month", 14, 13, 6),
            ("I want to stay in this job", "Home carers", "Asked once a year, without names", "people in 100", 52, 55, 70),
        ),
        "stages": {"listen": (-80, -25), "propose": (-25, 40), "decide": (55, 85)},
    },
    {
        "slug": "better-evenings",
        "service": "places-to-meet",
        "owner": "larkmere-council",
        "title": "Better evenings in Quayside and Tanners Row",
        "question": "What would make you stay out after six?",
        "background": "After six o’clock our squares and halls stand empty. People said there is nothing to do, nowhere to sit and no safe way home. £90,000 was set aside for residents to share out.",
        "who_is_concerned": "Everyone who lives, works or goes to school in Quayside, Old Town and Tanners Row.",
        "money_pence": 90_000_00,
        "outcomes": (
            ("There is something for me in the evening", "Residents", "Street survey, spring and autumn", "people in 100", 34, 47, 55),
            ("I feel safe on the way home", "Residents", "Street survey, spring and autumn", "people in 100", 51, 54, 70),
        ),
        "stages": {"listen": (-330, -290), "propose": (-290, -230), "decide": (-215, -190), "deliver": (-185, None)},
    },
)  # fmt: skip
