"""Who lives in Larkmere. Common given names only; nobody real is meant."""

FIRST_NAMES = (
    "Aled", "Amina", "Anna", "Anwen", "Arjun", "Asha", "Ben", "Beth", "Bilal", "Bronwen", "Carys",
    "Ceri", "Chen", "Claire", "Cora", "Dafydd", "Dai", "Dan", "Delyth", "Dewi", "Elin", "Ella",
    "Emlyn", "Emma", "Esther", "Eva", "Fatima", "Ffion", "Frank", "Gareth", "George", "Gethin",
    "Grace", "Gwen", "Hana", "Hari", "Harriet", "Hassan", "Helen", "Huw", "Ifan", "Imran", "Iris",
    "Isaac", "Ivy", "Jack", "James", "Jan", "Jess", "Joan", "Joe", "Josef", "Karen", "Kasia",
    "Kwame", "Leah", "Leo", "Lily", "Llew", "Lowri", "Lucy", "Maeve", "Mair", "Malik", "Marek",
    "Mari", "Mark", "Mary", "Megan", "Mei", "Mo", "Nadia", "Nerys", "Nia", "Nina", "Noor", "Olwen",
    "Omar", "Owen", "Pat", "Paul", "Pavel", "Peter", "Priya", "Rachel", "Rhian", "Rhys", "Robin",
    "Rosa", "Ruth", "Sam", "Samina", "Sara", "Sian", "Sofia", "Stan", "Sunil", "Tariq", "Tegan",
    "Tom", "Una", "Vera", "Wendy", "Will", "Yusuf", "Zara", "Zofia",
)  # fmt: skip


class Example:
    """Someone a visitor of the demo can be."""

    def __init__(self, key: str, name: str, words: str, place: str, standing: str, role: str = ""):
        self.key, self.name, self.words = key, name, words
        self.place, self.standing, self.role = place, standing, role

    @property
    def email(self) -> str:
        """Return an address that can never be anyone's."""
        return f"{self.key}@larkmere.example"


EXAMPLES = (
    Example("rosa", "Rosa", "resident", "quayside", "resident"),
    Example("samina", "Samina", "uses the service", "highfold", "service-user"),
    Example("gareth", "Gareth", "discharge nurse", "whole", "front-line-staff"),
    Example("carys", "Carys", "charity worker", "tanners-row", "charity"),
    Example("omar", "Omar", "service leader", "whole", "service-leader"),
    Example("delyth", "Delyth", "clerk", "whole", "resident", "clerk"),
    Example("mo", "Mo", "moderator", "whole", "resident", "moderator"),
    Example("ada", "Ada", "administrator", "whole", "resident", "administrator"),
    Example("iris", "Iris", "auditor", "whole", "resident", "auditor"),
)

COMMENTS = (
    "My mother would have been home a week sooner with this.",
    "Who checks that it happens at weekends?",
    "We tried something like it in Coldwell in 2019. It worked until the grant ended.",
    "I would help with this on Thursdays.",
    "How will you reach people who never answer the phone?",
    "Good. Start with two streets and tell us how it went.",
    "I work on the ward. The hard part is knowing the day before, not the visit itself.",
    "The cost looks low to me. Have you counted fares?",
    "Ask people in the flats as well: the front door is a different problem there.",
    "It is the small things that let you stay at home.",
    "I have used this service for six years, and nobody has asked me before.",
    "Could the library be the place to sign up? Everyone knows where it is.",
)
