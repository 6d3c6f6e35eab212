"""Why a row is strange: column by column, beside the normal row that it is nearest to."""

from alad.reasons.explanation import check_reference, explain
from alad.reasons.result import Reasons

__all__ = ["Reasons", "check_reference", "explain"]
