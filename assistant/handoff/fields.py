"""What a request to be contacted asks for: each field once, for the form, its texts, the summary,
the storage and the delivery."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from assistant import redaction

#: What Rasa's slots hold instead of the details themselves.
GIVEN, SKIPPED = "given", "skipped"


@dataclass(frozen=True)
class Field:
    """One question of the form.

    `slot` is Rasa's, `columns` are those of the table contact_requests that it fills (any of them
    settles it), `skip` whether it may be left out. The texts are `ask_<text>`, `ask_<text>_short`
    and `why_<text>` in data/knowledge/conversation.yml. `mask` stands in stored texts instead of
    each column, None for words that stay.
    """

    slot: str
    columns: Tuple[str, ...]
    skip: bool
    mask: Tuple[Optional[str], ...]

    @property
    def text(self) -> str:
        """What the texts of this field are called."""
        return self.slot[len("handoff_") :]

    def marker(self, request: Dict[str, Any]) -> Optional[str]:
        """GIVEN or SKIPPED, as the request says, or None while the field is open."""
        values = [request[column] for column in self.columns]
        if any(values):
            return GIVEN
        return SKIPPED if self.skip and any(value is not None for value in values) else None


FIELDS = (
    Field("handoff_name", ("name",), True, (redaction.MASKS["name"],)),
    Field(
        "handoff_contact",
        ("phone", "email"),
        False,
        (redaction.MASKS["phone"], redaction.MASKS["email"]),
    ),
    Field("handoff_time", ("best_time",), True, (None,)),
    Field("handoff_question", ("question",), True, (None,)),
)
#: The form's slots in the order in which they are asked; consent comes before every field.
SLOTS = ("handoff_consent", *(field.slot for field in FIELDS))
#: The columns of a request that a visitor fills.
COLUMNS = tuple(column for field in FIELDS for column in field.columns)
#: The text `detail_...` that shows each column in a summary.
LABELS = {column: column if column != "best_time" else "time" for column in COLUMNS}
#: What is stored instead of a column's value where the value must not be.
MASKS = {
    column: mask
    for field in FIELDS
    for column, mask in zip(field.columns, field.mask)
    if mask is not None
}


def still_open(slots: Dict[str, Any]) -> List[str]:
    """The questions that are not settled, in order."""
    return [name for name in SLOTS if slots.get(name) is None]
