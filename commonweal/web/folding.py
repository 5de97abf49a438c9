"""Templates whose unchanging pieces are drawn once: words, addresses, icons and style sheets.

Half of what a page draws is the same for everyone who reads its language. The loader lays such
pieces together with the text around them, and each run of them is kept as it was first drawn.
"""

from collections.abc import Iterable
from typing import Any, TypeGuard

from django.template import Context, Node, NodeList, Origin, Template
from django.template.base import FilterExpression, TextNode, Variable
from django.template.defaulttags import CommentNode, IfNode, LoadNode, URLNode
from django.template.library import SimpleNode
from django.template.loaders import cached
from django.templatetags.i18n import TranslateNode
from django.templatetags.static import StaticNode
from django.urls import NoReverseMatch, get_script_prefix
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from commonweal.kit.addresses import address
from commonweal.web.templatetags.cw import icon


class Loader(cached.Loader):
    """Django's loader that keeps templates, and folds each one it reads."""

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        """Return a template; what is new here has been folded."""
        is_new = self.cache_key(template_name, skip) not in self.get_template_cache
        template = super().get_template(template_name, skip)
        if is_new:
            template.nodelist = folded(template.nodelist)
        return template


class Fixed(Node):
    """A run of pieces that depend on the language alone."""

    child_nodelists = ()

    def __init__(self, pieces: Iterable[Node]) -> None:
        self.pieces = NodeList(pieces)
        self.drawn: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        """Draw the pieces, or return them as they were drawn before."""
        told_apart_by = get_language(), get_script_prefix(), context.autoescape
        if told_apart_by not in self.drawn:
            self.drawn[told_apart_by] = self.pieces.render(context)
        return self.drawn[told_apart_by]


class Located(Node):
    """The address of a page about one thing, whose pattern is looked up once."""

    child_nodelists = ()

    def __init__(self, url: URLNode) -> None:
        self.url = url
        self.page: str = url.view_name.var

    def render(self, context: Context) -> str:
        """Draw the address; what is unusual is left to Django."""
        of = self.url.args[0].resolve(context)
        if not isinstance(of, (int, str)) or of == "":
            return str(self.url.render(context))
        try:
            return str(conditional_escape(address(self.page, of)))
        except NoReverseMatch:  # its pattern takes some words only
            return str(self.url.render(context))


def folded(pieces: NodeList) -> NodeList:
    """Return the pieces with every run of fixed ones as one piece, and so inside each of them."""
    laid = NodeList()
    laid.contains_nontext = pieces.contains_nontext
    run: list[Node] = []
    for piece in pieces:
        if is_fixed(piece):
            run.append(piece)
            continue
        laid += _joined(run)
        run = []
        _fold_inside(piece)
        laid.append(Located(piece) if is_of_one(piece) else piece)
    laid += _joined(run)
    return laid


def _joined(run: list[Node]) -> list[Node]:
    if all(isinstance(piece, TextNode) for piece in run):
        return run
    return [Fixed(run)]


def _fold_inside(piece: Node) -> None:
    if isinstance(piece, IfNode):
        branches = piece.conditions_nodelists
        piece.conditions_nodelists = [(when, folded(inside)) for when, inside in branches]
        return
    for name in piece.child_nodelists:
        inside = getattr(piece, name, None)
        if inside:
            setattr(piece, name, folded(inside))


def is_fixed(piece: Node) -> bool:
    """Tell whether a piece says the same on every page in one language."""
    match piece:
        case TextNode() | CommentNode() | LoadNode():
            return True
        case TranslateNode(asvar=None, message_context=None):
            return _is_literal(piece.filter_expression)
        case URLNode(asvar=None):
            return not piece.args and not piece.kwargs and _is_literal(piece.view_name)
        case StaticNode(varname=None):
            return _is_literal(piece.path)
        case SimpleNode(target_var=None):
            return piece.func is icon and all(map(_is_literal, piece.args))
    return False


def is_of_one(piece: Node) -> TypeGuard[URLNode]:
    """Tell whether a piece is the address of a page about one thing."""
    match piece:
        case URLNode(asvar=None, args=[_]):
            return not piece.kwargs and _is_literal(piece.view_name)
    return False


def _is_literal(words: FilterExpression) -> bool:
    of = words.var
    return not words.filters and (not isinstance(of, Variable) or of.literal is not None)
