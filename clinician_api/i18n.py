"""Languages: Swedish first, English second. Message ids are English; Swedish stands in locale/sv.

`N_("text")` marks a text that is translated later, `language.gettext(text)` translates it. Templates use
`_("text")` and `ngettext("%(num)s day", "%(num)s days", n)`. Variables are named: `_("Hi %(name)s", name=n)`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("sv", "en")
LOCALES = {"sv": Locale("sv", "SE"), "en": Locale("en", "GB")}
LOCALE_DIR = Path(__file__).parent / "locale"


def N_(text: str) -> str:
    """Mark a text for translation where it is written, and return it as it is."""
    return text


@dataclass(frozen=True)
class Language:
    """One language: its texts, and how it writes times and numbers."""

    code: str
    translations: NullTranslations

    @property
    def locale(self) -> Locale:
        """The Babel locale."""
        return LOCALES[self.code]

    def gettext(self, message: str, **variables: object) -> str:
        """Return the text in this language, with %(name)s variables filled in."""
        text = self.translations.gettext(message)
        return text % variables if variables else text

    def ngettext(self, singular: str, plural: str, n: int, **variables: object) -> str:
        """Return the text for `n` things; %(num)s is `n`."""
        return self.translations.ngettext(singular, plural, n) % {"num": n, **variables}

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with exactly `digits` decimals: 83,1 in Swedish, 83.1 in English."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, format=pattern, locale=self.locale).replace("−", "-")

    def day(self, day: date, *, today: date) -> str:
        """Return "i dag", "i går", or the date as people say it; the year only when it is another one."""
        if day == today:
            return self.gettext("today")
        if day == today - timedelta(days=1):
            return self.gettext("yesterday")
        if day == today + timedelta(days=1):
            return self.gettext("tomorrow")
        pattern = "d MMM" if day.year == today.year else "d MMM y"
        return format_date(day, pattern, locale=self.locale).replace(".", "")

    def time(self, at: datetime, zone: str) -> str:
        """Return the time of day in the zone, 24 hours."""
        return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"

    def when(self, at: datetime, zone: str, *, now: datetime) -> str:
        """Return a moment as people say it in the zone: "10:42", "i går 07:10", "3 nov 07:10"."""
        local, here = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
        if local.date() == here.date():
            return f"{local:%H:%M}"
        return f"{self.day(local.date(), today=here.date())} {local:%H:%M}"

    def weekday(self, at: datetime, zone: str) -> str:
        """Return the name of the weekday in the zone."""
        return format_datetime(at.astimezone(ZoneInfo(zone)), "EEEE", locale=self.locale)


@lru_cache
def language(code: str) -> Language:
    """Return a language by its code. The catalogue is compiled in memory: no .mo file can be stale."""
    if code == "en":
        return Language("en", NullTranslations())
    with (LOCALE_DIR / code / "LC_MESSAGES" / "hemkurva.po").open("rb") as file:
        catalog = read_po(file, locale=code, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Language(code, GNUTranslations(compiled))


def choose(query: str | None, cookie: str | None, accept: str | None) -> str:
    """Return the language code: what was asked for now, asked for before, or preferred by the browser."""
    for wanted in (query, cookie):
        if wanted in LANGUAGES:
            return wanted
    return _preferred(accept or "")


def _preferred(accept: str) -> str:
    """Return the known language with the highest weight in an Accept-Language header; else Swedish."""
    best, weight = "sv", 0.0
    for part in accept.split(","):
        tag, _, parameter = part.strip().partition(";")
        code = tag.split("-")[0].lower()
        try:
            q = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if code in LANGUAGES and q > weight:
            best, weight = code, q
    return best
