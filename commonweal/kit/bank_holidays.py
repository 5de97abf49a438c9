"""The bank holidays of each nation, as the government publishes them."""

from datetime import date
from functools import cache

from govuk_bank_holidays.bank_holidays import BankHolidays

LISTS = {
    "scotland": BankHolidays.SCOTLAND,
    "northern-ireland": BankHolidays.NORTHERN_IRELAND,
}


@cache
def bank_holidays(nation: str) -> frozenset[date]:
    """Return the bank holidays of a nation by its slug; of England and Wales for any other.

    The list comes with the library, so nothing is fetched. It ends some years ahead: after its last
    day no bank holiday is known until the library is renewed.

    >>> date(2026, 11, 30) in bank_holidays("scotland"), date(2026, 11, 30) in bank_holidays("wales")
    (True, False)
    """
    known = BankHolidays(use_cached_holidays=True)
    told = known.get_holidays(division=LISTS.get(nation, BankHolidays.ENGLAND_AND_WALES))
    return frozenset(one["date"] for one in told)
