"""Pages about registers and voting codes, for those who vote and for those who look after them."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

from commonweal.decide.budgets.models import Pot, Reach
from commonweal.decide.budgets.queries import numbered
from commonweal.decide.registers import actions, forms, queries, rules
from commonweal.decide.registers.models import BatchKind, Code, Part, Register, opened
from commonweal.ground.journal.queries import harmless
from commonweal.ground.places.models import Community, Level
from commonweal.kit.doors import privileged, signed_in, the_one
from commonweal.kit.printing import as_pdf
from commonweal.kit.request import Request
from commonweal.kit.tries import may_try, note_failure, very_many_fail

BIGGEST = 2**63 - 1
LETTERS = Path(__file__).parent / "templates" / "registers" / "letters.typ"


# --- for those who vote


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("code")
def enter(request: Request) -> HttpResponse:
    """Let a voting code open its ballot in this browser. It comes by post, so that no log has it."""
    form = forms.CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        if not may_try(request, "voting_code"):
            words = _("That was too many codes that do not fit. Wait ten minutes, then try again.")
            form.add_error("code", words)
            status = 429
        elif form.is_valid():
            code = queries.code_typed(request.viewer, form.cleaned_data["code"])
            refused = _why_not(request, code)
            if code is not None and refused is None:
                _open_ballot(request, code)
                return _quietly(redirect("ballots:vote", code.pot_id))
            if code is None:
                note_failure(request, "voting_code")
            form.add_error("code", refused or "")
    values = {"nav": "money", "form": form}
    return _quietly(render(request, "registers/enter.html", values, status=status))


def _why_not(request: Request, code: Code | None) -> str | None:
    """Say why a code opens nothing now; nothing if it does."""
    if code is None:
        return _("We do not know this code. Compare it with your letter, sign by sign.")
    if code.cancelled_at is not None:
        return _("This code was cancelled, and another took its place. Ask who gave it to you.")
    state = code.pot.state(request.viewer.at)
    if state == "coming":
        words = _("This code is good, and its ballot is not open yet. It opens on %(at)s.")
        return words % {"at": rules.moment(code.pot.opens_at)}
    if state != "open" or code.pot.counted_at is not None:
        words = _("The ballot of this code is closed since %(at)s.")
        return words % {"at": rules.moment(code.pot.closes_at)}
    if cast(Any, code).used and not _holds(request, code):
        return _(
            "Somebody has voted with this code already. To change that vote, use the same browser."
        )
    return None


def _holds(request: Request, code: Code) -> bool:
    held: dict[str, Any] = request.session.get("voting", {}).get(str(code.pot_id), {})
    return held.get("code") == code.pk and bool(held.get("holder"))


def _open_ballot(request: Request, code: Code) -> None:
    """Remember the code in this browser: who comes with it later is the same voter."""
    if _holds(request, code):
        return
    if request.viewer.person is None:
        request.session.cycle_key()  # a session that somebody else prepared opens nothing
    held = {"code": code.pk, "holder": secrets.token_hex(16)}
    request.session["voting"] = {**request.session.get("voting", {}), str(code.pot_id): held}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
@sensitive_post_parameters()
def match(request: Request, register_id: int) -> HttpResponse:
    """Let a person find themselves in a register. What they type is compared and let go."""
    viewer = request.viewer
    register = get_object_or_404(queries.registers(viewer), pk=_small(register_id))
    form = forms.MatchForm(request.POST if request.method == "POST" else None, register=register)
    status = 200
    if request.method == "POST":
        if not may_try(request, "register_match"):
            words = _("That was too many tries. Wait until tomorrow, or ask at the desk.")
            form.add_error(None, words)
            status = 429
        elif form.is_valid():
            try:
                entry = actions.match(
                    viewer=viewer, register_id=register.pk, given=form.cleaned_data
                )
            except actions.NoMatch:
                note_failure(request, "register_match")
                form.add_error(
                    None,
                    _(
                        "We cannot match you to the register with this. Write it as your card or letter"
                        " does. If it still fails, ask at the desk: we can check you in person."
                    ),
                )
            except actions.MatchedAlready:
                form.add_error(None, _("You were found in a register already, as somebody else."))
            else:
                messages.success(
                    request, _("We found you. You can now vote wherever that is asked.")
                )
                return _onward(request, queries.place_words(entry))
    values = {
        "register": register,
        "form": form,
        "mine": queries.own_entry(viewer),
        "next": request.POST.get("next", request.GET.get("next", "")),
    }
    return _quietly(render(request, "registers/match.html", values, status=status))


def _onward(request: Request, place: Community) -> HttpResponse:
    wanted = request.POST.get("next", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None):
        return redirect(wanted)
    return redirect(place)


def _quietly(answer: HttpResponse) -> HttpResponse:
    """Tell the browser to pass on nothing about this page to other sites.

    To pass on nothing at all would take the origin from its own form, and the form would be refused.
    """
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


# --- registers, for those who look after them


@require_safe
@privileged
def register_list(request: Request) -> HttpResponse:
    """Show the registers that this member of staff looks after."""
    rows = list(queries.registers_kept(request.viewer)[:200])
    if not _communities(request).exists():
        raise PermissionDenied(_("Only clerks and administrators see the registers."))
    return render(request, "registers/list.html", {"nav": "desk", "registers": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@privileged
@sensitive_post_parameters()
def new_register(request: Request) -> HttpResponse:
    """Read a list of people, to try it or to keep a hash of each."""
    viewer = request.viewer
    communities = _communities(request)
    if not communities.exists():
        raise PermissionDenied(_("Only clerks and administrators may upload a register."))
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    today = timezone.localdate(viewer.at)
    form = forms.RegisterForm(data, files, communities=communities, today=today)
    values: dict[str, Any] = {"nav": "desk", "form": form}
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        only_try = request.POST.get("do") != "keep"
        done = _from_list(
            form,
            lambda: actions.upload_register(
                viewer=viewer,
                community=given["community"],
                title=given["title"],
                parts=given["parts"],
                delete_on=given["delete_on"],
                people=form.people(),
                twice_is_once=given["twice_is_once"],
                only_try=only_try,
            ),
        )
        if done and not only_try:
            register, reading = done
            messages.success(request, _read_words(reading))
            return redirect("registers:register", register.pk)
        if done:
            values |= _shown(done[1], given["parts"])
    return render(request, "registers/new.html", values)


@require_safe
@privileged
def register(request: Request, register_id: int) -> HttpResponse:
    """Show what a register holds: how many, by what they are recognised, and until when."""
    return _register_page(request, _kept(request, register_id))


@require_POST
@never_cache
@privileged
@sensitive_post_parameters()
def renew(request: Request, register_id: int) -> HttpResponse:
    """Read a newer list of the same people, to try it or to take it."""
    held = _kept(request, register_id)
    form = _renew_form(request, held, request.POST, request.FILES)
    shown: dict[str, Any] = {}
    if form.is_valid():
        given = form.cleaned_data
        only_try = request.POST.get("do") != "keep"
        reading = _from_list(
            form,
            lambda: actions.renew_register(
                viewer=request.viewer,
                register_id=held.pk,
                people=form.people(),
                twice_is_once=given["twice_is_once"],
                delete_on=given["delete_on"],
                only_try=only_try,
            ),
        )
        if reading and not only_try:
            messages.success(request, _read_words(reading))
            return redirect("registers:register", held.pk)
        if reading:
            shown = _shown(reading, held.parts)
    return _register_page(request, held, renew_form=form, **shown)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def delete(request: Request, register_id: int) -> HttpResponse:
    """Ask once more, then destroy a register's key and hashes."""
    held = _kept(request, register_id)
    if request.method == "POST":
        try:
            actions.delete_register(viewer=request.viewer, register_id=held.pk)
        except actions.StillNeeded:
            messages.error(request, _("A ballot is running here. Delete it once that is counted."))
            return redirect("registers:register", held.pk)
        messages.success(request, _("Deleted. Nothing of it can be read any more."))
        return redirect("registers:list")
    return render(request, "registers/delete.html", {"nav": "desk", "register": held})


@require_POST
@never_cache
@privileged
@sensitive_post_parameters()
def find(request: Request, register_id: int) -> HttpResponse:
    """Look somebody up at the desk: are they listed, were they found, have they a code."""
    held = _kept(request, register_id)
    form = forms.MatchForm(request.POST, register=held, at_desk=True)
    found: dict[str, Any] = {}
    if form.is_valid():
        digest = rules.digest(opened(cast(bytes, held.key)), held.parts, form.cleaned_data)
        entry = queries.entry_with(held, digest)
        found = {"looked": True, "entry": entry, "pots": _pots_with_codes(request, held)}
    return _register_page(request, held, find_form=form, **found)


@require_POST
@privileged
def release(request: Request, entry_id: int) -> HttpResponse:
    """Undo a wrong match."""
    entry = queries.entry_at_desk(request.viewer, _small(entry_id))
    if entry is None:
        raise Http404
    actions.release(viewer=request.viewer, entry_id=entry.pk)
    messages.success(request, _("Released. The right person can now be found."))
    return redirect("registers:register", entry.register_id)


def _register_page(request: Request, held: Register, **more: Any) -> HttpResponse:
    values = {
        "nav": "desk",
        "register": held,
        "parts": [Part(part).label for part in held.parts],
        "counts": queries.counts(held),
        "find_form": forms.MatchForm(register=held, at_desk=True),
        "renew_form": _renew_form(request, held),
    }
    merged = {**values, **more}
    looked_at = more.get("find_form") or more.get("renew_form")
    return render(request, "registers/register.html", {**merged, "form": looked_at})


def _renew_form(request: Request, held: Register, *given: Any) -> forms.PeopleForm:
    today = timezone.localdate(request.viewer.at)
    return forms.PeopleForm(*given, today=today, parts=held.parts, auto_id="renew_%s")


def _from_list(form: forms.ListForm, action: Callable[[], Any]) -> Any:
    """Run what reads a list; put what cannot be read into words beside the file."""
    try:
        return action()
    except actions.WrongLines as error:
        form.wrong = error
        form.add_error("list", _wrong_words(error))
    except actions.NobodyListed:
        form.add_error("list", _("There is nobody in this list: only its head."))
    except forms.NotAList as error:
        form.add_error("list", str(error))
    except actions.TooLate:
        form.add_error(None, _("Voting is over: a code would open nothing any more."))
    except actions.SomeVoted:
        words = _(
            "Some people have voted with the letters you made before, and nobody can tell who: with a"
            " new letter they could vote again. Use a register, or replace lost letters one by one."
        )
        form.add_error(None, words)
    return None


def _wrong_words(error: actions.WrongLines) -> str:
    n = len(error.mistakes)
    if error.more:
        return _("Many lines cannot be taken, so nothing was. The first are under “Lines to mend”.")
    return ngettext(
        "%(n)s line cannot be taken, so nothing was. It stands under “Lines to mend”.",
        "%(n)s lines cannot be taken, so nothing was. They stand under “Lines to mend”.",
        n,
    ) % {"n": n}


def _read_words(reading: actions.Reading) -> str:
    told = {"people": f"{reading.people:,}", "new": f"{reading.new:,}", "gone": f"{reading.gone:,}"}
    return _("Taken: %(people)s people, of them %(new)s new. %(gone)s stand in it no more.") % told


def _shown(reading: actions.Reading, parts: Iterable[str]) -> dict[str, Any]:
    """Return what the page says about a list that was only tried."""
    heads = [*(Part(part).label for part in parts), _("District")]
    rows = [[*(told[part] for part in parts), told["area"]] for told in reading.examples]
    return {"reading": reading, "heads": heads, "examples": rows}


# --- codes, for those who make them


@require_safe
@privileged
def codes(request: Request, pot_id: int) -> HttpResponse:
    """Show which codes of a pot were made, how many were used, and how more are made."""
    return _codes_page(request, _pot_to_run(request, pot_id))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@privileged
def sheets(request: Request, pot_id: int) -> HttpResponse:
    """Make codes for nobody in particular, and hand the sheets over: they are not kept."""
    pot = _pot_to_run(request, pot_id)
    form = forms.SheetsForm(
        request.POST if request.method == "POST" else None, loose=_is_loose(pot)
    )
    if request.method == "POST" and form.is_valid():
        key, count = secrets.token_bytes(32), form.cleaned_data["count"]
        layout = form.cleaned_data["layout"]
        numbers = range(1, count + 1)
        printed = (
            None if layout == "csv" else _pdf(request, pot, key, layout, [(n, []) for n in numbers])
        )
        try:
            batch = actions.make_sheets(
                viewer=request.viewer,
                pot_id=pot.pk,
                key=key,
                count=count,
                replace=form.cleaned_data["replace"],
            )
        except actions.TooLate:
            form.add_error(None, _("Voting is over: a code would open nothing any more."))
        else:
            if printed is not None:
                return _file(printed, f"codes-{batch.pk}.pdf", "application/pdf")
            head = [_("number"), _("voting code"), _("link")]
            return _table(request, head, ((n, [str(n)]) for n in numbers), key, f"codes-{batch.pk}")
    return _codes_page(request, pot, form=form, template="registers/sheets.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@privileged
@sensitive_post_parameters()
def letters(request: Request, pot_id: int) -> HttpResponse:
    """Make a code for each line of a list, and hand the letters over: neither is kept."""
    pot = _pot_to_run(request, pot_id)
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    form = forms.LettersForm(
        *given,
        registers=queries.registers_for(request.viewer, pot.community),
        loose=_is_loose(pot),
    )
    if request.method == "POST" and form.is_valid():
        key, layout = secrets.token_bytes(32), form.cleaned_data["layout"]
        made = _from_list(form, lambda: _made_letters(request, pot, form, key, layout))
        if made is not None:
            return cast(HttpResponse, made)
    return _codes_page(request, pot, form=form, template="registers/letters.html")


def _made_letters(
    request: Request, pot: Pot, form: forms.LettersForm, key: bytes, layout: str
) -> HttpResponse | None:
    printed = None
    if layout != "csv":
        rows = [
            (row.line, [row.cells[at].strip() for at in form.window if row.cells[at].strip()])
            for row, _person in zip(_whole(form), range(forms.PER_FILE + 1), strict=False)
        ]
        if len(rows) > forms.PER_FILE:
            words = _("One PDF holds up to 1,000 letters. Split the list, or take the table.")
            form.add_error("layout", words)
            return None
    batch, voted = actions.make_letters(
        viewer=request.viewer,
        pot_id=pot.pk,
        key=key,
        people=form.people(),
        register=form.cleaned_data["register"],
    )
    if layout != "csv":
        printed = _pdf(request, pot, key, layout, [row for row in rows if row[0] not in voted])
        return _file(printed, f"letters-{batch.pk}.pdf", "application/pdf")
    head = [*form.table.head, _("number"), _("voting code"), _("link")]
    listed = (
        (row.line, [*row.cells, str(row.line)])
        for row in form.table.rows()
        if row.line not in voted
    )
    return _table(request, head, listed, key, f"letters-{batch.pk}")


def _whole(form: forms.LettersForm) -> Iterator[forms.Row]:
    """Yield the lines of a list that reach as far as the columns of its address."""
    furthest = max(form.window, default=0)
    for row in form.table.rows():
        yield row._replace(cells=[*row.cells, *[""] * (furthest + 1 - len(row.cells))])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@privileged
@sensitive_post_parameters()
def mails(request: Request, pot_id: int) -> HttpResponse:
    """Send a code to each address of a list; each address is forgotten once its mail went out."""
    pot = _pot_to_run(request, pot_id)
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    form = forms.MailsForm(*given, loose=_is_loose(pot))
    if request.method == "POST" and form.is_valid():
        made = _from_list(
            form,
            lambda: actions.make_mails(
                viewer=request.viewer, pot_id=pot.pk, addresses=form.addresses()
            ),
        )
        if made is not None:
            told = {"new": f"{made[0]:,}", "known": f"{made[1]:,}"}
            words = _("Mails on their way: %(new)s. Addresses that have a code already: %(known)s.")
            messages.success(request, words % told)
            return redirect("registers:codes", pot.pk)
    return _codes_page(request, pot, form=form, template="registers/mails.html")


@require_POST
@privileged
def send_rest(request: Request, pot_id: int, batch_id: int) -> HttpResponse:
    """Queue the mails once more that could not go out."""
    pot = _pot_to_run(request, pot_id)
    batch = get_object_or_404(pot.code_batches.filter(kind=BatchKind.MAIL), pk=_small(batch_id))
    actions.send_later(batch=batch)
    messages.success(request, _("The rest is on its way."))
    return redirect("registers:codes", pot.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def cancel(request: Request, pot_id: int, batch_id: int) -> HttpResponse:
    """Ask once more, then cancel what nobody has used of a batch."""
    pot = _pot_to_run(request, pot_id)
    batch = get_object_or_404(queries.batches(pot), pk=_small(batch_id))
    if request.method == "POST":
        n = actions.cancel_batch(viewer=request.viewer, pot_id=pot.pk, batch_id=batch.pk)
        words = ngettext("%(n)s code was cancelled.", "%(n)s codes were cancelled.", n)
        messages.success(request, words % {"n": f"{n:,}"})
        return redirect("registers:codes", pot.pk)
    return _codes_page(request, pot, batch=batch, template="registers/cancel.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@privileged
def lost(request: Request, pot_id: int, batch_id: int) -> HttpResponse:
    """Cancel one code by the number on its letter, and hand out another if that is asked for."""
    pot = _pot_to_run(request, pot_id)
    batch = get_object_or_404(queries.batches(pot), pk=_small(batch_id))
    form = forms.LostForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        asked: dict[str, Any] = {"viewer": request.viewer, "pot_id": pot.pk, "batch_id": batch.pk}
        number = form.cleaned_data["number"]
        try:
            if request.POST.get("do") == "replace":
                code = actions.replace_code(**asked, number=number)
                return _handed_over(request, pot, code)
            actions.cancel_code(**asked, number=number)
        except actions.NoSuchCode:
            form.add_error(
                "number", _("No letter of this batch has this number, or it was cancelled.")
            )
        except actions.CodeUsed:
            form.add_error("number", _("Somebody has voted with this code. That vote stands."))
        except actions.TooLate:
            form.add_error(None, _("Voting is over: a code would open nothing any more."))
        else:
            messages.success(request, _("Cancelled. Who tries it is told so."))
            return redirect("registers:codes", pot.pk)
    return _codes_page(request, pot, form=form, batch=batch, template="registers/lost.html")


@require_POST
@never_cache
@privileged
def hand_out(request: Request, pot_id: int) -> HttpResponse:
    """Show a fresh code once, to somebody who stands at the desk."""
    pot = _pot_to_run(request, pot_id)
    entry = request.POST.get("entry", "")
    number = int(entry) if entry.isascii() and entry.isdigit() and len(entry) < 19 else None
    try:
        code = actions.hand_out_code(viewer=request.viewer, pot_id=pot.pk, entry_id=number)
    except actions.NoSuchCode:
        messages.error(request, _("This person no longer stands in the register."))
    except actions.CodeUsed:
        messages.error(request, _("This person has voted in this pot. That vote stands."))
    except actions.TooLate:
        messages.error(request, _("Voting is over: a code would open nothing any more."))
    else:
        return _handed_over(request, pot, code)
    return redirect("registers:codes", pot.pk)


def _handed_over(request: Request, pot: Pot, code: str) -> HttpResponse:
    address = request.build_absolute_uri(reverse("registers:enter"))
    drawn = _square(f"{address}#{rules.in_groups(code)}")
    values = {
        "nav": "desk",
        "pot": pot,
        "code": rules.in_groups(code),
        "address": address.partition("://")[2],
        "side": len(drawn),
        "dark": [(x, y) for y, row in enumerate(drawn) for x, dark in enumerate(row) if dark],
    }
    return _quietly(render(request, "registers/handed_out.html", values))


def _codes_page(
    request: Request, pot: Pot, *, template: str = "registers/codes.html", **more: Any
) -> HttpResponse:
    rows = list(queries.batches(pot)) if template == "registers/codes.html" else []
    values = {
        "nav": "desk",
        "pot": pot,
        "state": pot.state(request.viewer.at),
        "batches": rows,
        "refused": queries.refused(pot) if rows else [],
        "twice": _is_loose(pot),
        "meets": pot.level >= Level.REGISTER,
        "guessed": very_many_fail("voting_code") if rows else False,
        "fewest": queries.FEWEST,
    }
    return render(request, template, {**values, **more})


# --- on paper


def _table(
    request: Request, head: list[str], rows: Iterable[tuple[int, list[str]]], key: bytes, name: str
) -> HttpResponse:
    """Return a table with a code and a link behind each line, worked out as it goes out."""
    site = request.build_absolute_uri(reverse("registers:enter"))

    def lines() -> Iterator[str]:
        held = io.StringIO()
        writer = csv.writer(held)

        def line(cells: Iterable[str]) -> str:
            held.seek(0)
            held.truncate()
            writer.writerow([harmless(cell) for cell in cells])
            return held.getvalue()

        yield "\ufeff" + line(head)
        for number, cells in rows:
            code = rules.in_groups(rules.code_from(key, number))
            yield line([*cells, code, f"{site}#{code}"])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    return _kept_nowhere(answer, f"{name}.csv")


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    return _kept_nowhere(HttpResponse(content, content_type=kind), name)


def _kept_nowhere(answer: HttpResponse | StreamingHttpResponse, name: str) -> HttpResponse:
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store, private"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return cast(HttpResponse, answer)


def _pdf(
    request: Request, pot: Pot, key: bytes, layout: str, rows: list[tuple[int, list[str]]]
) -> bytes:
    """Set codes on paper, tagged for screen readers."""
    site = request.build_absolute_uri(reverse("registers:enter"))
    seen = site.partition("://")[2]
    opens, closes = (rules.moment(at) for at in (pot.opens_at, pot.closes_at))
    when = {"opens": opens, "closes": closes, "place": pot.community.name, "site": seen}
    dates = _("Voting is open from %(opens)s to %(closes)s.") % when
    given = {
        "title": pot.title,
        "place": request.viewer.authority.name,
        "language": (get_language() or "en").partition("-")[0],
        "layout": layout,
        "number": _("Number"),
        "alt": _(
            "A square to scan with a telephone. It leads to the page where the code is entered."
        ),
        "yours": _("Your voting code"),
        "short": [_("Vote at %(site)s") % when, dates, _("The code works once.")],
        "lines": [_("You can help decide how this money is spent, for %(place)s.") % when, dates],
        "how": _("How to vote"),
        "steps": [
            _("Scan the square with a telephone, or go to %(site)s") % when,
            _("Type the code, if it is not there already."),
            _(
                "Choose, check, and cast your vote. You can change it in the same browser until voting closes."
            ),
        ],
        "foot": [
            _("The code works once. Whoever has it can vote with it: keep it to yourself."),
            _("Nobody can tell from the code what you chose. No code, or it was lost? Ask us."),
            *([request.viewer.authority.phone] if request.viewer.authority.phone else []),
        ],
        "codes": [_on_paper(site, key, number, to) for number, to in rows],
    }
    return as_pdf(LETTERS, given)


def _on_paper(site: str, key: bytes, number: int, to: list[str]) -> dict[str, Any]:
    code = rules.in_groups(rules.code_from(key, number))
    rows = _square(f"{site}#{code}")
    return {
        "code": code,
        "number": str(number),
        "to": [line[:80] for line in to],
        "side": len(rows),
        "square": [0 if dark else 255 for row in rows for dark in row],
    }


def _square(address: str) -> list[list[bool]]:
    """Return the dark and light of the square that leads to an address, row by row."""
    drawn = QRCode(error_correction=ERROR_CORRECT_M, mask_pattern=3, border=4)
    drawn.add_data(address)
    return cast("list[list[bool]]", drawn.get_matrix())


# --- shared


def _communities(request: Request) -> QuerySet[Community]:
    return queries.communities_kept(request.viewer)


def _kept(request: Request, register_id: int) -> Register:
    """Return a register for those who look after it; who does not is told who may."""
    found = get_object_or_404(queries.registers(request.viewer), pk=_small(register_id))
    if not rules.may_keep_registers(request.viewer, found.community):
        raise PermissionDenied(_("Only a clerk or an administrator of this community may do this."))
    return found


def _pot_to_run(request: Request, pot_id: int) -> Pot:
    pot = the_one(numbered(request.viewer, _small(pot_id)))
    if not rules.may_make_codes(request.viewer, pot):
        raise PermissionDenied(
            _("Only a clerk or an administrator of the community that votes may do this.")
        )
    return pot


def _is_loose(pot: Pot) -> bool:
    """Tell whether people vote in this pot with an account as well as with a code."""
    return pot.reach == Reach.PLACE


def _pots_with_codes(request: Request, register: Register) -> list[Pot]:
    """Return the pots for which somebody at the desk could be handed a code."""
    return list(queries.pots_to_hand_out(request.viewer, register))


def _small(pk: int) -> int:
    """Return a number that a row could have: an address may hold any."""
    if pk > BIGGEST:
        raise Http404
    return pk
