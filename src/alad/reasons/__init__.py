"""Why a row is strange: column by column, beside the normal row that it is nearest to."""

from alad.reasons.explanation import Explainer, check_reference, explain
from alad.reasons.result import Reasons

__all__ = ["Explainer", "Reasons", "check_reference", "explain"]
