"""How form fields look and read everywhere."""

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.forms.utils import flatatt
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

MISSING = forms.Field.default_error_messages["required"]  # "This field": but which?
CLASSES: dict[type[forms.Widget], str] = {
    forms.Textarea: "govuk-textarea",
    forms.Select: "govuk-select",
    forms.CheckboxInput: "cw-check__box",
    forms.RadioSelect: "cw-check__box",
    forms.CheckboxSelectMultiple: "cw-check__box",
}


DRAWN_HERE = forms.Select, forms.TextInput, forms.EmailInput


class Field(BoundField):
    """Gives each control the style sheet's class; the message and the hint describe it."""

    @property
    def is_group(self) -> bool:
        """Tell whether this is several boxes under one question."""
        return isinstance(self.field.widget, (forms.RadioSelect, forms.CheckboxSelectMultiple))

    @property
    def is_box(self) -> bool:
        """Tell whether this is a single box with its words behind it."""
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def is_said_optional(self) -> bool:
        """Tell whether the label says that it may stay empty; in a search that goes without saying."""
        return not self.field.required and getattr(self.form, "says_optional", True)

    @property
    def mistakes(self) -> list[str]:
        """Return what is wrong, in words that make sense in a summary far from the field."""
        return [self._nothing_given if words == MISSING else str(words) for words in self.errors]

    @property
    def _nothing_given(self) -> str:
        label = {"label": self.label}
        if isinstance(self.field.widget, forms.Select):
            return _("Choose: %(label)s") % label
        return _("Fill in: %(label)s") % label

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Add our class; name hint and message for screen readers (Django 5.2 knows only the hint)."""
        built = super().build_widget_attrs(attrs, widget)
        kind = type(widget or self.field.widget)
        ours = next(
            (name for known, name in CLASSES.items() if issubclass(kind, known)), "govuk-input"
        )
        if self.errors and ours.startswith("govuk"):
            ours += " govuk-input--error"
        given = (widget or self.field.widget).attrs.get("class", "")
        built["class"] = f"{ours} {given}".strip()
        if issubclass(kind, forms.Textarea):
            # 40 letters, as Django asks for, are wider than a small phone without the style sheet
            built["cols"] = False
        described = [f"{self.auto_id}_helptext"] if self.help_text else []
        described += [f"{self.auto_id}_error"] if self.errors else []
        if described and not self.is_group:
            built["aria-describedby"] = " ".join(described)
        return built

    def as_widget(
        self,
        widget: forms.Widget | None = None,
        attrs: dict[str, Any] | None = None,
        only_initial: bool = False,
    ) -> SafeString:
        """Draw lines and selects in one go: Django makes a dictionary and takes a template for each."""
        kind = widget or self.field.widget
        if type(kind) not in DRAWN_HERE or only_initial:
            return super().as_widget(widget, attrs, only_initial)
        built = {**kind.attrs, **self.build_widget_attrs(attrs or {}, kind)}
        told = flatatt({"id": self.auto_id or None, **built})
        value = kind.format_value(self.value())
        if isinstance(kind, forms.Select):
            inside = SafeString(_options(kind.choices, value))
            return format_html('<select name="{}"{}>{}\n</select>', self.html_name, told, inside)
        held = "" if value is None else format_html(' value="{}"', value)
        assert isinstance(kind, (forms.TextInput, forms.EmailInput))
        return format_html(
            '<input type="{}" name="{}"{}{}>', kind.input_type, self.html_name, held, told
        )


def _options(choices: Iterable[Any], chosen: Collection[str]) -> str:
    drawn: list[str] = []
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            inside = SafeString(_options(label, chosen))
            drawn.append(format_html('\n  <optgroup label="{}">{}\n  </optgroup>', value, inside))
            continue
        key = "" if value is None else str(value)
        mark = " selected" if key in chosen else ""
        drawn.append(
            f'\n  <option value="{escape(key)}"{mark}>{conditional_escape(label)}</option>'
        )
    return "".join(drawn)


class Renderer(TemplatesSetting):
    """Label above, hint between, message between hint and field."""

    form_template_name = "cw/form.html"
    field_template_name = "cw/field.html"
    bound_field_class = Field
